import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import type { Reporter, TestModule } from "vitest/node";

import { MEASURED, PICTURES, RESULTS } from "./results";

/** What of all that is measured by the way must stay under something. */
const LIMITS_MS: Record<string, number> = { watch_ms: 300, stop_ms: 1000 };

interface Findings {
  page: string;
  found: { rule: string; impact: string | null; target: string }[];
}

/** Ends the run in one line of figures. */
export default class Report implements Reporter {
  constructor(private readonly options: { what: "flows" | "pictures" }) {}

  onTestRunEnd(modules: readonly TestModule[]): void {
    const measured = this.options.what === "flows" ? figures() : [];
    for (const [name, value] of measured) {
      const limit = LIMITS_MS[name];
      if (limit === undefined || value < limit) continue;
      console.log(`${name} is ${value}: it must be under ${limit}`);
      process.exitCode = 1;
    }
    console.log([...(this.options.what === "flows" ? flows(modules) : pictures()), ...measured.map(([name, value]) => `${name}=${value}`), ...findings()].join(" "));
  }
}

function flows(modules: readonly TestModule[]): string[] {
  const all = modules.flatMap((module) => [...module.children.allTests()]);
  const count = (state: string) => all.filter((flow) => flow.result().state === state).length;
  const broken = modules.filter((module) => !module.ok()).length;
  const flaky = all.filter((flow) => flow.diagnostic()?.flaky).length;
  return [`flows_passed=${count("passed")}`, `flows_failed=${count("failed")}`, `flows_flaky=${flaky}`, `flows_skipped=${count("skipped")}`, `files_failed=${broken}`];
}

/** The medians of what was measured. */
function figures(): [name: string, value: number][] {
  if (!existsSync(MEASURED)) return [];
  return readdirSync(MEASURED).sort().map((name) => {
    const values: number[] = JSON.parse(readFileSync(join(MEASURED, name), "utf8"));
    return [name, Math.round(values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN)];
  });
}

function pictures(): string[] {
  const taken = readdirSync(PICTURES).filter((name) => name.endsWith(".png") && !name.startsWith("sheet-"));
  const pages = new Set(taken.map((name) => name.replace(/-(light|dark)-\d+\.png$/, "")));
  return [`pictures=${taken.length}`, `pages=${pages.size}`];
}

/** What axe found, a line for each rule on each page, and how much of which weight. */
function findings(): string[] {
  const file = join(RESULTS, "axe.jsonl");
  const pages: Findings[] = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line)) : [];
  for (const { page, found } of pages) {
    for (const rule of new Set(found.map((each) => each.rule))) {
      const [first] = found.filter((each) => each.rule === rule);
      console.log(`axe: ${page}: ${first?.impact} ${rule}: ${first?.target}`);
    }
  }
  const count = (impact: string) => pages.flatMap((each) => each.found).filter((each) => each.impact === impact).length;
  return [`axe_pages=${pages.length}`, ...["critical", "serious", "moderate", "minor"].map((impact) => `axe_${impact}=${count(impact)}`)];
}
