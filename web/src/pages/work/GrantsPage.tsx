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
import { GrantExtend } from "../../forms/grant-extend";
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
  const own = (grant: Grant) => grant.user === who.user.name;
  const why = (grant: Grant) => (grant.user === who.user.name ? undefined : blocked("grant:revoke", grant.scope));

  const columns: Column<Grant>[] = [
    { id: "account", header: t.grants.account, narrow: "title", cell: (row) => <Mono className="font-medium">{row.account}</Mono> },
    { id: "user", header: t.grants.user, cell: (row) => <Mono>{row.user}</Mono> },
    { id: "capabilities", header: t.grants.capabilities, narrow: "hide", cell: (row) => <span className="text-muted">{row.obligations.capabilities.map((each) => t.capabilities[each]).join(", ")}</span> },
    { id: "begins", header: t.grants.begins, sort: "starts_at", cell: (row) => <When at={row.starts_at} /> },
    { id: "ends", header: t.grants.ends, sort: "ends_at", cell: (row) => (row.state === "active" ? <Left until={row.ends_at} /> : row.revoked_at ? <span title={row.revoked_reason ?? undefined}><When at={row.revoked_at} /></span> : <When at={row.ends_at} />) },
    { id: "request", header: t.grants.request, narrow: "hide", cell: (row) => <Link to={pb.request(row.request)} className="relative z-10 text-accent hover:underline">{t.requests.detail}</Link> },
    { id: "state", header: t.grants.state, width: "7.5rem", narrow: "aside", cell: (row) => <GrantBadge state={row.state} /> },
    { id: "revoke", header: t.grants.revoke, quiet: true, width: "13rem", cell: (row) => (row.state === "active" || row.state === "scheduled" ? <Ends grant={row} own={own(row)} blocked={why(row)} onOpen={(name) => open(name, row.id)} /> : null) },
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
      {dialog === "revoke" && chosen ? <Revoke grant={chosen} own={own(chosen)} onClose={close} /> : null}
      {dialog === "extend" && chosen ? <GrantExtend grant={chosen} onClose={close} /> : null}
    </Page>
  );
}

/** More time and handing back for one's own, revoking for those of others. */
function Ends({ grant, own, blocked, onOpen }: { grant: Grant; own: boolean; blocked: string | undefined; onOpen: (dialog: "revoke" | "extend") => void }) {
  const named = (verb: string) => `${verb}: ${grant.user}, ${grant.account}`;
  const word = own ? t.grants.handBack : t.grants.revoke;
  return (
    <span className="relative z-10 flex justify-end gap-2">
      {own && grant.state === "active" ? <Button size="sm" aria-label={named(t.grants.extend)} onClick={() => onOpen("extend")}>{t.grants.extend}</Button> : null}
      <Button size="sm" look={own ? undefined : "danger"} blocked={blocked} aria-label={named(word)} onClick={() => onOpen("revoke")}>{word}</Button>
    </span>
  );
}

function Revoke({ grant, own, onClose }: { grant: Grant; own: boolean; onClose: () => void }) {
  const revoke = useMutation({
    meta: { inline: true },
    mutationFn: (reason: string) => api.grantRevoke(grant.id, reason),
    onSuccess: () => {
      toast("ok", own ? t.grants.handedBack : t.grants.revoked);
      onClose();
    },
  });
  if (own) {
    return <ReasonDialog title={t.grants.handBackTitle(grant.account)} about={t.grants.handBackBody} label={t.grants.reason} needed submit={t.grants.handBack} busy={revoke.isPending} error={revoke.error} onSubmit={(reason) => revoke.mutate(reason)} onClose={onClose} />;
  }
  return <ReasonDialog title={t.grants.revokeTitle(grant.user, grant.account)} about={t.grants.revokeBody} label={t.grants.reason} needed danger submit={t.grants.revoke} busy={revoke.isPending} error={revoke.error} onSubmit={(reason) => revoke.mutate(reason)} onClose={onClose} />;
}
