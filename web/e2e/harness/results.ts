import { resolve } from "node:path";

const TARGET = resolve(import.meta.dirname, "../../../target");

/** Where a run leaves what it found. */
export const RESULTS = resolve(TARGET, "console-e2e");

/** What a run measured, a file each: the name of the figure, its unit and its value. */
export const MEASURED = resolve(RESULTS, "measured");

/** Where pictures of the pages go. */
export const PICTURES = resolve(TARGET, "pictures");
