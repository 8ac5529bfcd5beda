import { useQuery } from "@tanstack/react-query";
import { FileCode, ShieldAlert } from "lucide-react";
import { useMemo } from "react";

import type { DetectionRule, Finding } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { FalseAlerts, isOver } from "../../components/FalseAlerts";
import { SeverityBadge } from "../../components/states";
import { RuleApply } from "../../forms/rule-apply";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters, SearchBox } from "../../table/Filters";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/feedback";
import { pb } from "../../util/path-builder";
import { RuleDrawer } from "./RuleDrawer";

const c = t.alerts;
const KINDS = ["on", "off", "own", "over"] as const;

function fits(rule: DetectionRule, kind: string | undefined, text: string): boolean {
  const named = `${rule.id} ${rule.title} ${rule.attack}`.toLowerCase().includes(text);
  return named && (kind === undefined || { on: rule.enabled, off: !rule.enabled, own: rule.own, over: isOver(rule) }[kind] === true);
}

/** Every rule: whether it is on, what it does, what it has found, and how much of that was nothing. */
export function DetectionRules() {
  const { search, filter } = useFilter();
  const { blocked } = useCan();
  const { dialog, item, open, close } = useDialog();
  const rules = useQuery(q.detectionRules());
  const text = (search.q ?? "").trim().toLowerCase();
  const items = useMemo(() => rules.data?.items.filter((rule) => fits(rule, search.state, text)), [rules.data, search.state, text]);
  const over = rules.data?.items.filter((rule) => rule.enabled && isOver(rule)).length ?? 0;
  const columns: Column<DetectionRule>[] = [
    { id: "title", header: c.finds, narrow: "title", cell: (row) => <span className="font-medium">{row.title}</span> },
    { id: "id", header: c.rule, cell: (row) => <Mono className="text-muted">{row.id}</Mono> },
    { id: "severity", header: c.severity, width: "6.5rem", narrow: "hide", cell: (row) => <SeverityBadge severity={row.severity as Finding["severity"]} /> },
    { id: "response", header: c.does, width: "10rem", cell: (row) => c.acts[row.response as keyof typeof c.acts] },
    { id: "raised", header: c.raisedCount, width: "5rem", className: "text-right", cell: (row) => (row.figures.raised > 0 ? <span className="tabular-nums">{row.figures.raised.toLocaleString()}</span> : <span className="text-faint">0</span>) },
    { id: "false", header: c.falseAlerts, width: "8rem", cell: (row) => <FalseAlerts of={row} /> },
    { id: "enabled", header: c.state, width: "5.5rem", narrow: "aside", cell: (row) => (row.enabled ? <Badge tone="ok" icon="check">{c.on}</Badge> : <Badge tone="plain" icon="minus">{c.off}</Badge>) },
  ];
  const chosen = rules.data?.items.find((rule) => rule.id === item);
  return (
    <>
      {over > 0 ? <div className="mb-4"><Notice tone="warn">{c.overBudget(over)}</Notice></div> : null}
      <Filters>
        <SearchBox label={c.searchRules} wide />
        <Choice name="state" label={c.state} options={[["", c.all], ...KINDS.map((kind): [string, string] => [kind, c.kinds[kind]])]} />
        <span className="flex-1" />
        <Button blocked={blocked("policy:write", "/")} icon={<FileCode className="size-4" aria-hidden />} onClick={() => open("apply")}>{c.write}</Button>
      </Filters>
      <DataTable
        label={c.rules}
        query={{ ...rules, data: rules.data && items ? { ...rules.data, items } : undefined } as typeof rules}
        columns={columns}
        rowKey={(row) => row.id}
        rowTo={(row) => ({ to: pb.alerts(), search: { ...search, dialog: "rule", item: row.id } })}
        empty={<EmptyList icon={<ShieldAlert />} filtered onClear={() => filter({ state: undefined, q: undefined })} title={c.none} />}
      />
      {dialog === "rule" && chosen ? <RuleDrawer key={chosen.id} rule={chosen} onEdit={() => open("apply", chosen.id)} onClose={close} /> : null}
      {dialog === "apply" && rules.data ? <RuleApply rule={chosen} onTaken={(id) => open("rule", id)} onClose={close} /> : null}
    </>
  );
}
