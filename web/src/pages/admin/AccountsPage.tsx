import { useQuery } from "@tanstack/react-query";
import { Boxes, KeyRound, MoreHorizontal, Pencil, Plus, RefreshCcwDot, Server } from "lucide-react";
import { useNavigate } from "@tanstack/react-router";

import type { Account } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { AccountBadge, ReadyBadge } from "../../components/states";
import { Ago } from "../../components/When";
import { AccountPut } from "../../forms/account-put";
import { RotateNow } from "../../forms/rotation-request";
import { SecretPut } from "../../forms/secret-put";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Filters, SearchBox, SelectFilter, TextFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Button, IconButton } from "../../ui/Button";
import { Menu } from "../../ui/Menu";
import { Page } from "../../ui/Page";
import { pb } from "../../util/path-builder";

const STATES: Account["state"][] = ["managed", "discovered", "orphaned", "disabled"];

const ref = (account: Account) => `${account.name}@${account.asset}`;

export function AccountsPage() {
  const { search, filter } = useFilter();
  const { blocked } = useCan();
  const navigate = useNavigate();
  const { dialog, item, open, close } = useDialog();
  const accounts = useQuery(q.accounts({ q: search.q, asset: search.asset, state: search.state, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  const chosen = accounts.data?.items.find((account) => ref(account) === item);
  const columns: Column<Account>[] = [
    { id: "account", header: t.accounts.account, sort: "account", narrow: "title", cell: (row) => <Mono className="font-medium">{ref(row)}</Mono> },
    { id: "credential", header: t.accounts.credential, cell: (row) => t.accounts.credentials[row.credential] },
    { id: "ready", header: t.accounts.ready, cell: (row) => <ReadyBadge account={row} /> },
    { id: "owner", header: t.accounts.owner, cell: (row) => (row.owner ? <Mono>{row.owner}</Mono> : <span className="text-faint">{t.common.none}</span>) },
    { id: "scope", header: t.accounts.scope, narrow: "hide", cell: (row) => <Mono className="text-muted">{row.scope}</Mono> },
    { id: "used", header: t.accounts.used, sort: "last_used_at", cell: (row) => <Ago at={row.last_used_at} /> },
    { id: "state", header: t.accounts.state, width: "7.5rem", narrow: "aside", cell: (row) => <AccountBadge state={row.state} /> },
    {
      id: "more", header: t.actions.more, quiet: true, narrow: "aside", width: "3.5rem",
      cell: (row) => (
        <Menu
          trigger={<IconButton label={`${t.actions.more}: ${ref(row)}`} size="sm"><MoreHorizontal className="size-4" aria-hidden /></IconButton>}
          items={[
            { label: t.accounts.setSecret, icon: <KeyRound />, blocked: row.credential === "ssh_certificate" ? t.accounts.certificate : blocked("secret:write", row.scope), onSelect: () => open("secret", ref(row)) },
            { label: t.rotations.now, icon: <RefreshCcwDot />, blocked: row.credential === "ssh_certificate" ? t.accounts.certificate : blocked("rotation:write", row.scope), onSelect: () => open("rotate", ref(row)) },
            { label: t.accounts.edit, icon: <Pencil />, blocked: blocked("asset:write", row.scope), onSelect: () => open("edit", ref(row)) },
            { label: t.accounts.asset, icon: <Server />, onSelect: () => void navigate({ to: pb.asset(row.asset) }) },
          ]}
        />
      ),
    },
  ];
  return (
    <Page title={t.accounts.title} lead={t.accounts.lead} actions={<Button look="primary" blocked={blocked("asset:write")} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("create")}>{t.accounts.add}</Button>}>
      <Filters>
        <SearchBox label={t.accounts.search} wide />
        <TextFilter name="asset" label={t.accounts.asset} className="font-mono" />
        <SelectFilter name="state" label={t.accounts.state} options={STATES.map((state) => [state, t.accounts.states[state]])} />
      </Filters>
      <DataTable label={t.accounts.title} query={accounts} columns={columns} rowKey={(row) => row.id} empty={<EmptyList icon={<Boxes />} filtered={Boolean(search.q ?? search.asset ?? search.state)} onClear={() => filter({ q: undefined, asset: undefined, state: undefined })} title={t.accounts.none} />} />
      <Pager next={accounts.data?.next} total={accounts.data?.total} />
      {dialog === "create" ? <AccountPut onClose={close} /> : null}
      {dialog === "edit" && chosen ? <AccountPut account={chosen} onClose={close} /> : null}
      {dialog === "rotate" && chosen ? <RotateNow account={ref(chosen)} onClose={close} /> : null}
      {dialog === "secret" && chosen ? <SecretPut account={chosen} onClose={close} /> : null}
    </Page>
  );
}
