import { resolve } from "node:path";

const TARGET = resolve(import.meta.dirname, "../../../target");

/** Where a run leaves what it found. */
export const RESULTS = resolve(TARGET, "console-e2e");

/** Where pictures of the pages go. */
export const PICTURES = resolve(TARGET, "pictures");
