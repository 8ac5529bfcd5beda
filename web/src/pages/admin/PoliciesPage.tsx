import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Plus, ShieldCheck } from "lucide-react";

import type { Policy } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { Duties } from "../../components/Duties";
import { EffectBadge } from "../../components/states";
import { useFilter } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Filters, SearchBox, TextFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { pb } from "../../util/path-builder";
import { Proposals } from "../../policy/Proposals";
import { accountWords, whoWords } from "../../util/policy-words";

const COLUMNS: Column<Policy>[] = [
  { id: "name", header: t.policies.name, sort: "name", narrow: "title", cell: (row) => <Mono className="font-medium">{row.name}</Mono> },
  { id: "who", header: t.policies.who, cell: (row) => whoWords(row) },
  { id: "what", header: t.policies.what, cell: (row) => accountWords(row) },
  { id: "how", header: t.policies.how, cell: (row) => (row.effect === "deny" ? null : row.access === "request" ? <span className="text-muted">{t.policies.request}</span> : <Badge tone="warn" icon="alert">{t.policies.standing}</Badge>) },
  { id: "scope", header: t.policies.scope, sort: "scope", narrow: "hide", cell: (row) => <Mono className="text-muted">{row.scope}</Mono> },
  { id: "effect", header: t.policies.effect, width: "6.5rem", narrow: "aside", cell: (row) => <EffectBadge effect={row.effect} /> },
];

export function PoliciesPage() {
  const { search, filter } = useFilter();
  const { blocked } = useCan();
  const navigate = useNavigate();
  const policies = useQuery(q.policies({ q: search.q, scope: search.scope, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  return (
    <Page title={t.policies.title} lead={t.policies.lead} actions={<Button look="primary" blocked={blocked("policy:write")} icon={<Plus className="size-4" aria-hidden />} onClick={() => void navigate({ to: pb.policyNew() })}>{t.policies.add}</Button>}>
      <Proposals />
      <Filters>
        <SearchBox label={t.list.search} wide />
        <TextFilter name="scope" label={t.policies.scope} className="font-mono" />
      </Filters>
      <DataTable label={t.policies.title} query={policies} columns={COLUMNS} rowKey={(row) => row.id} rowTo={(row) => ({ to: pb.policy(row.name) })} empty={<EmptyList icon={<ShieldCheck />} filtered={Boolean(search.q ?? search.scope)} onClear={() => filter({ q: undefined, scope: undefined })} title={t.policies.none}>{t.policies.noneBody}</EmptyList>} />
      <Pager next={policies.data?.next} total={policies.data?.total} />
      <div className="mt-8"><Duties /></div>
    </Page>
  );
}
