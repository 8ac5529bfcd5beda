import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus, Waypoints } from "lucide-react";

import { api } from "../../api/client";
import type { Scope } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { FormDialog, fieldError } from "../../components/FormDialog";
import { useKept } from "../../hooks/useKept";
import { useDialog } from "../../hooks/useUrlState";
import { useCan } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Filters, SearchBox } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { useFilter } from "../../hooks/useUrlState";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Page } from "../../ui/Page";
import { pb } from "../../util/path-builder";

const COLUMNS: Column<Scope>[] = [
  {
    id: "path", header: t.scopes.path, sort: "path", narrow: "title",
    cell: ({ path }) => {
      const depth = path === "/" ? 0 : path.split("/").length - 1;
      return <span className="flex items-center" style={{ paddingLeft: `${depth * 1.25}rem` }}><Mono className="font-medium">{path}</Mono></span>;
    },
  },
  { id: "assets", header: t.scopes.assets, width: "10rem", cell: ({ path }) => <Link to={pb.assets()} search={{ scope: path }} className="text-accent hover:underline">{t.scopes.assets}</Link> },
  { id: "users", header: t.scopes.users, width: "10rem", cell: ({ path }) => <Link to={pb.users()} search={{ scope: path }} className="text-accent hover:underline">{t.scopes.users}</Link> },
];

export function ScopesPage() {
  const { search, filter } = useFilter();
  const { blocked } = useCan();
  const { dialog, open, close } = useDialog();
  const scopes = useQuery(q.scopes({ q: search.q, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  return (
    <Page title={t.scopes.title} lead={t.scopes.lead} actions={<Button look="primary" blocked={blocked("asset:write")} icon={<Plus className="size-4" aria-hidden />} onClick={() => open("create")}>{t.scopes.add}</Button>}>
      <Filters><SearchBox label={t.scopes.search} /></Filters>
      <DataTable label={t.scopes.title} query={scopes} columns={COLUMNS} rowKey={(row) => row.path} empty={<EmptyList icon={<Waypoints />} filtered={Boolean(search.q)} onClear={() => filter({ q: undefined })} title={t.scopes.none} />} />
      <Pager next={scopes.data?.next} total={scopes.data?.total} />
      {dialog === "create" ? <ScopeCreate onClose={close} /> : null}
    </Page>
  );
}

function ScopeCreate({ onClose }: { onClose: () => void }) {
  const [path, setPath] = useKept("path", "/");
  const create = useMutation({ meta: { inline: true }, mutationFn: () => api.scopeCreate(path.trim()), onSuccess: () => { toast("ok", t.scopes.saved); onClose(); } });
  return (
    <FormDialog title={t.scopes.createTitle} busy={create.isPending} error={create.error} fields={["path"]} submit={t.actions.create} onSubmit={() => create.mutate()} onClose={onClose}>
      <TextField label={t.scopes.path} hint={t.scopes.pathHint} mono value={path} onChange={(event) => setPath(event.target.value)} required autoFocus pattern="(/[a-z0-9_\-]+)+" error={fieldError(create.error, "path")} />
    </FormDialog>
  );
}
