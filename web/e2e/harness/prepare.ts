import { existsSync, rmSync } from "node:fs";

import { RESULTS } from "./results";
import { BINARY } from "./gate";

/** Before anything runs: the product must be there, and what an earlier run found must not. */
export default function prepare(): void {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: cargo build --package postern`);
  rmSync(RESULTS, { recursive: true, force: true });
}
