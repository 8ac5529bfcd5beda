import { resolve } from "node:path";

/** Where a run leaves what it found. */
export const RESULTS = resolve(import.meta.dirname, "../../../target/console-e2e");
