import { useQuery } from "@tanstack/react-query";
import { Plus, UserRound } from "lucide-react";

import type { User } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { RoleTags } from "../../components/RolesEditor";
import { KindBadge, UserBadge } from "../../components/states";
import { WaitingCredentials } from "../../components/WaitingCredentials";
import { Ago } from "../../components/When";
import { UserCreate } from "../../forms/user-create";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters, SearchBox, TextFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Tag } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Page } from "../../ui/Page";
import { pb } from "../../util/path-builder";

const COLUMNS: Column<User>[] = [
  { id: "name", header: t.users.name, sort: "name", narrow: "title", cell: (row) => <span className="flex flex-wrap items-center gap-2"><Mono className="font-medium">{row.name}</Mono><KindBadge user={row} /></span> },
  { id: "email", header: t.users.email, cell: (row) => (row.email ? <span className="text-muted">{row.email}</span> : null) },
  { id: "groups", header: t.users.groups, cell: (row) => (row.groups.length > 0 ? <span className="flex flex-wrap gap-1">{row.groups.map((group) => <Tag key={group}>{group}</Tag>)}</span> : null) },
  { id: "roles", header: t.users.roles, cell: (row) => <RoleTags roles={row.roles} /> },
  { id: "scope", header: t.users.scope, narrow: "hide", cell: (row) => <Mono className="text-muted">{row.scope}</Mono> },
  { id: "seen", header: t.users.seen, sort: "last_seen_at", cell: (row) => <Ago at={row.last_seen_at} /> },
  { id: "state", header: t.users.state, width: "7rem", narrow: "aside", cell: (row) => <UserBadge state={row.state} /> },
];

export function UsersPage() {
  const { search, filter } = useFilter();
  const { blocked } = useCan();
  const { dialog, open, close } = useDialog();
  const users = useQuery(q.users({ q: search.q, state: search.state, scope: search.scope, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  return (
    <Page title={t.users.title} lead={t.users.lead} actions={<Button look="primary" blocked={blocked("user:write")} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("create")}>{t.users.add}</Button>}>
      <WaitingCredentials />
      <Filters>
        <SearchBox label={t.users.search} wide />
        <TextFilter name="scope" label={t.users.scope} className="font-mono" />
        <Choice name="state" label={t.users.state} options={[["", t.requests.tabs.all], ["active", t.users.states.active], ["invited", t.users.states.invited], ["disabled", t.users.states.disabled]]} />
      </Filters>
      <DataTable label={t.users.title} query={users} columns={COLUMNS} rowKey={(row) => row.id} rowTo={(row) => ({ to: pb.user(row.name) })} empty={<EmptyList icon={<UserRound />} filtered={Boolean(search.q ?? search.state ?? search.scope)} onClear={() => filter({ q: undefined, state: undefined, scope: undefined })} title={t.users.none} />} />
      <Pager next={users.data?.next} total={users.data?.total} />
      {dialog === "create" ? <UserCreate onClose={close} /> : null}
    </Page>
  );
}
