import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy, useMemo } from "react";

import type { DayFigures } from "../api/nouns";
import { q } from "../api/queries";
import { t } from "../i18n";
import type { Series, Tone } from "../ui/Chart";
import { Skeleton } from "../ui/feedback";
import { Panel, Section } from "../ui/Page";
import { count } from "../util/time";
import { QueryError } from "./QueryError";

const Chart = lazy(() => import("../ui/Chart").then((module) => ({ default: module.Chart })));
const h = t.history;

const PROTOCOLS = ["ssh", "postgresql", "mysql", "redis"];
const STATES = ["granted", "pending", "withdrawn", "denied", "expired"] as const;

const ENDS = ["current", "cancelled", "superseded", "refused", "broken"];
const OUTCOMES = ["open", "true", "expected", "false"];
const SEVERITIES = ["critical", "high", "medium", "low"] as const;

/** What is bad is red wherever it is drawn. */
const TONES = {
  requests: { granted: "accent", pending: "warn", withdrawn: "plain", denied: "bad", expired: "info" },
  rotations: { current: "accent", cancelled: "info", superseded: "plain", refused: "warn", broken: "bad" },
  findings: { critical: "bad", high: "warn", medium: "info", low: "plain" },
  alerts: { open: "accent", true: "bad", expected: "plain", false: "warn" },
} satisfies Record<string, Record<string, Tone>>;

const sum = (values: (number | null)[]) => values.reduce<number>((all, value) => all + (value ?? 0), 0);

type Kept = NonNullable<DayFigures["kept"]>;

/** One figure of those that were kept each day. */
function kept(days: DayFigures[], label: string, of: (kept: Kept) => number): Series {
  return { label, values: days.map((day) => (day.kept ? of(day.kept) : null)) };
}

/** How many of how many, as whole percent; all of none is nothing wrong. */
export const percent = (part: number, whole: number) => (whole === 0 ? 100 : Math.floor((100 * part) / whole));

/** The standing privileges that are left, with what they were when they were first counted. */
export function useStanding(days: DayFigures[] | undefined) {
  return useMemo(() => {
    if (!days) return undefined;
    const series = kept(days, h.standingRights, (each) => each.standing_rights);
    const known = series.values.filter((value) => value !== null);
    return { names: days.map((day) => day.day), series: [series], now: known.at(-1) ?? 0, before: known[0] ?? 0, policies: days.at(-1)?.policies_standing ?? 0 };
  }, [days]);
}

/** One series for each word that occurs, in the order given. */
function stacked(days: DayFigures[], words: readonly string[], of: (day: DayFigures) => Record<string, number>, name: (word: string) => string, tones: Record<string, Tone> = {}): Series[] {
  const known = words.map((word) => ({ label: name(word), tone: tones[word], values: days.map((day) => of(day)[word] ?? 0) }));
  const found = known.filter(({ values }) => sum(values) > 0);
  return found.length > 0 ? found : known.slice(0, 1);
}

/** Where things go, day by day, for those who run the whole. */
export function History() {
  const history = useQuery(q.history());
  const days = history.data?.days;
  const shown = useMemo(() => {
    if (!days) return undefined;
    const sessions = stacked(days, PROTOCOLS, (day) => day.sessions, (word) => h.protocols[word] ?? word);
    const requests = stacked(days, STATES, (day) => day.requests, (word) => t.requests.states[word as (typeof STATES)[number]], TONES.requests);
    const rotations = stacked(days, ENDS, (day) => day.rotations, (word) => h.ends[word] ?? word, TONES.rotations);
    const findings = stacked(days, SEVERITIES, (day) => day.findings_open, (word) => h.severities[word] ?? word, TONES.findings);
    const alerts = stacked(days, OUTCOMES, (day) => day.alerts, (word) => h.outcomes[word] ?? word, TONES.alerts);
    const accounts = [
      { label: h.governed, values: days.map((day) => day.accounts_governed) },
      { label: h.found, values: days.map((day) => day.accounts_found) },
    ];
    const secrets = [kept(days, h.inTime, (each) => percent(each.secrets_rotated - each.secrets_due, each.secrets_rotated))];
    const looked = [kept(days, h.lookedAt, (each) => percent(each.assets_looked_at, each.assets))];
    const now = days.findLast((day) => day.kept)?.kept;
    return { names: days.map((day) => day.day), sessions, requests, rotations, findings, alerts, accounts, secrets, looked, now };
  }, [days]);
  const standing = useStanding(days);
  if (history.isError) return <Panel><QueryError error={history.error} onRetry={() => void history.refetch()} /></Panel>;
  const total = (series: Series[]) => sum(series.map(({ values }) => sum(values)));
  const last = (series: Series[]) => sum(series.map(({ values }) => values.at(-1) ?? 0));
  const waits = <Skeleton className="h-56 w-full" />;
  return (
    <Section title={h.title} aside={<span className="text-xs text-muted">{h.utc}</span>}>
      <div className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
        {shown ? (
          <>
            <Suspense fallback={waits}><Chart title={h.sessions} summary={h.sessionsAll(count(total(shown.sessions)))} days={shown.names} series={shown.sessions} kind="bars" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.requests} summary={h.requestsAll(count(total(shown.requests)))} days={shown.names} series={shown.requests} kind="bars" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.standing} summary={standing ? h.standingNow(standing.now, standing.before, standing.policies) : ""} days={shown.names} series={standing?.series ?? []} kind="lines" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.findings} summary={h.findingsNow(last(shown.findings))} days={shown.names} series={shown.findings} kind="bars" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.alerts} summary={h.alertsAll(count(total(shown.alerts)))} days={shown.names} series={shown.alerts} kind="bars" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.accounts} summary={h.accountsNow(shown.accounts[0]?.values.at(-1) ?? 0, shown.accounts[1]?.values.at(-1) ?? 0)} days={shown.names} series={shown.accounts} kind="lines" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.rotations} summary={h.rotationsAll(count(total(shown.rotations)))} days={shown.names} series={shown.rotations} kind="bars" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.secrets} summary={shown.now ? h.secretsNow(shown.now.secrets_due, shown.now.secrets_failed, shown.now.secrets_rotated) : ""} days={shown.names} series={shown.secrets} kind="lines" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.looked} summary={shown.now ? h.lookedNow(shown.now.assets_looked_at, shown.now.assets) : ""} days={shown.names} series={shown.looked} kind="lines" /></Suspense>
          </>
        ) : [0, 1, 2, 3, 4, 5, 6, 7, 8].map((at) => <Skeleton key={at} className="h-56 w-full" />)}
      </div>
    </Section>
  );
}
