import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Hourglass } from "lucide-react";

import { api } from "../../api/client";
import type { Grant } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { ReasonDialog } from "../../components/ReasonDialog";
import { GrantBadge } from "../../components/states";
import { Left, When } from "../../components/When";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters, SearchBox, SelectFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { pb } from "../../util/path-builder";

const STATES: Grant["state"][] = ["active", "scheduled", "expired", "revoked"];

export function GrantsPage() {
  const who = useWho();
  const { can, blocked } = useCan();
  const { search, filter } = useFilter();
  const { dialog, item, open, close } = useDialog();
  const all = can("request:read");
  const mine = !all || search.whose === "mine";
  const grants = useQuery(q.grants({ mine: mine || undefined, state: search.state, q: search.q, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  const chosen = grants.data?.items.find((grant) => grant.id === item);
  const why = (grant: Grant) => (grant.user === who.user.name ? undefined : blocked("grant:revoke", grant.scope));

  const columns: Column<Grant>[] = [
    { id: "account", header: t.grants.account, narrow: "title", cell: (row) => <Mono className="font-medium">{row.account}</Mono> },
    { id: "user", header: t.grants.user, cell: (row) => <Mono>{row.user}</Mono> },
    { id: "capabilities", header: t.grants.capabilities, narrow: "hide", cell: (row) => <span className="text-muted">{row.obligations.capabilities.map((each) => t.capabilities[each]).join(", ")}</span> },
    { id: "begins", header: t.grants.begins, sort: "starts_at", cell: (row) => <When at={row.starts_at} /> },
    { id: "ends", header: t.grants.ends, sort: "ends_at", cell: (row) => (row.state === "active" ? <Left until={row.ends_at} /> : row.revoked_at ? <span title={row.revoked_reason ?? undefined}><When at={row.revoked_at} /></span> : <When at={row.ends_at} />) },
    { id: "request", header: t.grants.request, narrow: "hide", cell: (row) => <Link to={pb.request(row.request)} className="relative z-10 text-accent hover:underline">{t.requests.detail}</Link> },
    { id: "state", header: t.grants.state, width: "7.5rem", narrow: "aside", cell: (row) => <GrantBadge state={row.state} /> },
    { id: "revoke", header: t.grants.revoke, quiet: true, width: "6rem", cell: (row) => (row.state === "active" || row.state === "scheduled" ? <Button size="sm" look="danger" className="relative z-10" blocked={why(row)} aria-label={`${t.grants.revoke}: ${row.user}, ${row.account}`} onClick={() => open("revoke", row.id)}>{t.grants.revoke}</Button> : null) },
  ];

  return (
    <Page title={t.grants.title} lead={t.grants.lead}>
      <Filters>
        <SearchBox label={t.grants.search} />
        {all ? <Choice name="whose" label={t.grants.user} options={[["", t.grants.all], ["mine", t.grants.mine]]} /> : null}
        <SelectFilter name="state" label={t.grants.state} options={STATES.map((state) => [state, t.grants.states[state]])} />
      </Filters>
      <DataTable
        label={t.grants.title}
        query={grants}
        columns={columns}
        rowKey={(row) => row.id}
        empty={<EmptyList icon={<Hourglass />} filtered={Boolean(search.state ?? search.q)} onClear={() => filter({ state: undefined, q: undefined })} title={t.grants.none}>{t.grants.noneBody}</EmptyList>}
      />
      <Pager next={grants.data?.next} total={grants.data?.total} />
      {dialog === "revoke" && chosen ? <Revoke grant={chosen} onClose={close} /> : null}
    </Page>
  );
}

function Revoke({ grant, onClose }: { grant: Grant; onClose: () => void }) {
  const revoke = useMutation({
    meta: { inline: true },
    mutationFn: (reason: string) => api.grantRevoke(grant.id, reason),
    onSuccess: () => {
      toast("ok", t.grants.revoked);
      onClose();
    },
  });
  return <ReasonDialog title={t.grants.revokeTitle(grant.user, grant.account)} about={t.grants.revokeBody} label={t.grants.reason} needed danger submit={t.grants.revoke} busy={revoke.isPending} error={revoke.error} onSubmit={(reason) => revoke.mutate(reason)} onClose={onClose} />;
}
