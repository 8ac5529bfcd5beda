import { useQuery } from "@tanstack/react-query";
import { Suspense, lazy, useMemo } from "react";

import type { DayFigures } from "../api/nouns";
import { q } from "../api/queries";
import { t } from "../i18n";
import type { Series } from "../ui/Chart";
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

const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);

/** One series for each word that occurs, in the order given. */
function stacked(days: DayFigures[], words: readonly string[], of: (day: DayFigures) => Record<string, number>, name: (word: string) => string): Series[] {
  const known = words.map((word) => ({ label: name(word), values: days.map((day) => of(day)[word] ?? 0) }));
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
    const requests = stacked(days, STATES, (day) => day.requests, (word) => t.requests.states[word as (typeof STATES)[number]]);
    const rotations = stacked(days, ENDS, (day) => day.rotations, (word) => h.ends[word] ?? word);
    const findings = stacked(days, SEVERITIES, (day) => day.findings_open, (word) => h.severities[word] ?? word);
    const alerts = stacked(days, OUTCOMES, (day) => day.alerts, (word) => h.outcomes[word] ?? word);
    const accounts = [
      { label: h.governed, values: days.map((day) => day.accounts_governed) },
      { label: h.found, values: days.map((day) => day.accounts_found) },
    ];
    return { names: days.map((day) => day.day), sessions, requests, rotations, findings, alerts, accounts, standing: [{ label: h.standing, values: days.map((day) => day.policies_standing) }] };
  }, [days]);
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
            <Suspense fallback={waits}><Chart title={h.standing} summary={h.standingNow(shown.standing[0]?.values.at(-1) ?? 0, shown.standing[0]?.values[0] ?? 0)} days={shown.names} series={shown.standing} kind="lines" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.findings} summary={h.findingsNow(last(shown.findings))} days={shown.names} series={shown.findings} kind="bars" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.alerts} summary={h.alertsAll(count(total(shown.alerts)))} days={shown.names} series={shown.alerts} kind="bars" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.accounts} summary={h.accountsNow(shown.accounts[0]?.values.at(-1) ?? 0, shown.accounts[1]?.values.at(-1) ?? 0)} days={shown.names} series={shown.accounts} kind="lines" /></Suspense>
            <Suspense fallback={waits}><Chart title={h.rotations} summary={h.rotationsAll(count(total(shown.rotations)))} days={shown.names} series={shown.rotations} kind="bars" /></Suspense>
          </>
        ) : [0, 1, 2, 3, 4, 5, 6].map((at) => <Skeleton key={at} className="h-56 w-full" />)}
      </div>
    </Section>
  );
}
