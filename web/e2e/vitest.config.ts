import { resolve } from "node:path";

import { defineConfig } from "vitest/config";

const FLOW_MS = 120_000;

// `--mode pictures` takes the pictures instead of running the flows.
export default defineConfig(({ mode }) => ({
  root: resolve(import.meta.dirname, ".."),
  test: {
    include: [mode === "pictures" ? "e2e/pages.pictures.ts" : "e2e/*.e2e.ts"],
    environment: "node",
    globalSetup: "e2e/harness/prepare.ts",
    // Each file has a server, a target and a browser of its own.
    maxWorkers: 2,
    testTimeout: FLOW_MS,
    hookTimeout: FLOW_MS,
    // What a busy machine delayed too long passes the second time, and is named as such.
    retry: 1,
    reporters: ["verbose", ["./e2e/harness/report.ts", { what: mode === "pictures" ? "pictures" : "flows" }]],
  },
}));
