import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Reporter, TestModule } from "vitest/node";

import { RESULTS } from "./results";

interface Findings {
  page: string;
  found: { rule: string; impact: string | null; target: string }[];
}

/** Ends the run in one line of figures. */
export default class Report implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const flows = modules.flatMap((module) => [...module.children.allTests()]);
    const passed = flows.filter((flow) => flow.result().state === "passed").length;
    const failed = flows.filter((flow) => flow.result().state === "failed").length;
    const file = join(RESULTS, "axe.jsonl");
    const pages: Findings[] = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line)) : [];
    const count = (impact: string) => pages.flatMap((each) => each.found).filter((each) => each.impact === impact).length;
    const seconds = Math.round(modules.reduce((latest, module) => Math.max(latest, module.diagnostic().duration), 0) / 1000);
    console.log(
      `flows_passed=${passed} flows_failed=${failed} flows_skipped=${flows.length - passed - failed} files_failed=${modules.filter((module) => !module.ok()).length} axe_pages=${pages.length} axe_critical=${count("critical")} axe_serious=${count("serious")} axe_moderate=${count("moderate")} axe_minor=${count("minor")} longest_file_seconds=${seconds}`,
    );
  }
}
