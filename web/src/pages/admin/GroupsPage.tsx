import { useMutation, useQuery } from "@tanstack/react-query";
import { MoreHorizontal, Pencil, Plus, Trash2, Users } from "lucide-react";

import { api } from "../../api/client";
import type { Group } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { ReasonDialog } from "../../components/ReasonDialog";
import { RoleTags } from "../../components/RolesEditor";
import { GroupPut } from "../../forms/group-put";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Filters, SearchBox } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Button, IconButton } from "../../ui/Button";
import { Menu } from "../../ui/Menu";
import { Page } from "../../ui/Page";

const MEMBERS_SHOWN = 5;

export function GroupsPage() {
  const { search, filter } = useFilter();
  const { blocked } = useCan();
  const { dialog, item, open, close } = useDialog();
  const groups = useQuery(q.groups({ q: search.q, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  const chosen = groups.data?.items.find((group) => group.name === item);
  const columns: Column<Group>[] = [
    { id: "name", header: t.groups.name, sort: "name", narrow: "title", cell: (row) => <Mono className="font-medium">{row.name}</Mono> },
    { id: "count", header: t.groups.members, width: "8rem", cell: (row) => t.common.members(row.members.length) },
    { id: "members", header: t.groups.names, narrow: "hide", cell: (row) => <span className="font-mono text-xs text-muted">{row.members.slice(0, MEMBERS_SHOWN).join(", ")}{row.members.length > MEMBERS_SHOWN ? ` ${t.groups.more(row.members.length - MEMBERS_SHOWN)}` : ""}</span> },
    { id: "roles", header: t.groups.roles, cell: (row) => <RoleTags roles={row.roles} /> },
    { id: "scope", header: t.groups.scope, cell: (row) => <Mono className="text-muted">{row.scope}</Mono> },
    {
      id: "more", header: t.actions.more, quiet: true, narrow: "aside", width: "3.5rem",
      cell: (row) => (
        <Menu
          trigger={<IconButton label={`${t.actions.more}: ${row.name}`} size="sm"><MoreHorizontal className="size-4" aria-hidden /></IconButton>}
          items={[
            { label: t.groups.edit, icon: <Pencil />, blocked: blocked("group:write", row.scope), onSelect: () => open("edit", row.name) },
            { label: t.groups.remove, icon: <Trash2 />, danger: true, apart: true, blocked: blocked("group:write", row.scope), onSelect: () => open("remove", row.name) },
          ]}
        />
      ),
    },
  ];
  return (
    <Page title={t.groups.title} lead={t.groups.lead} actions={<Button look="primary" blocked={blocked("group:write")} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("create")}>{t.groups.add}</Button>}>
      <Filters><SearchBox label={t.list.search} wide /></Filters>
      <DataTable label={t.groups.title} query={groups} columns={columns} rowKey={(row) => row.id} empty={<EmptyList icon={<Users />} filtered={Boolean(search.q)} onClear={() => filter({ q: undefined })} title={t.groups.none} />} />
      <Pager next={groups.data?.next} total={groups.data?.total} />
      {dialog === "create" ? <GroupPut onClose={close} /> : null}
      {dialog === "edit" && chosen ? <GroupPut group={chosen} onClose={close} /> : null}
      {dialog === "remove" && chosen ? <Remove group={chosen} onClose={close} /> : null}
    </Page>
  );
}

function Remove({ group, onClose }: { group: Group; onClose: () => void }) {
  const remove = useMutation({ meta: { inline: true }, mutationFn: () => api.groupDelete(group.name), onSuccess: () => { toast("ok", t.groups.removed); onClose(); } });
  return <ReasonDialog title={t.groups.removeTitle(group.name)} about={t.groups.removeBody} submit={t.groups.remove} danger busy={remove.isPending} error={remove.error} onSubmit={() => remove.mutate()} onClose={onClose} />;
}
