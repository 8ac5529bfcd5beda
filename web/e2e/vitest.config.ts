import { resolve } from "node:path";

import { defineConfig } from "vitest/config";

const FLOW_MS = 120_000;

export default defineConfig({
  root: resolve(import.meta.dirname, ".."),
  test: {
    include: ["e2e/*.e2e.ts"],
    environment: "node",
    globalSetup: "e2e/harness/prepare.ts",
    // Each file has a server, a target and a browser of its own.
    maxWorkers: 2,
    testTimeout: FLOW_MS,
    hookTimeout: FLOW_MS,
    reporters: ["verbose", "./e2e/harness/report.ts"],
  },
});
