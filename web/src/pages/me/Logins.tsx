import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { LogOut } from "lucide-react";

import { api } from "../../api/client";
import type { Login } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { ReasonDialog } from "../../components/ReasonDialog";
import { Ago, When } from "../../components/When";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { queryClient } from "../../query-client";
import { signedOut } from "../../stores/login";
import { forgetTab } from "../../stores/tab";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable } from "../../table/DataTable";
import { Pager, sizeOf } from "../../table/Pager";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";

const p = t.profile;

export function Logins() {
  const who = useWho();
  const navigate = useNavigate();
  const { search } = useFilter();
  const { dialog, open, close } = useDialog();
  const logins = useQuery(q.logins({ cursor: search.cursor, limit: sizeOf(search) }));
  const endAll = useMutation({
    meta: { inline: true, keeps: true },
    mutationFn: () => api.loginEndAll(),
    onSuccess: () => {
      forgetTab();
      queryClient.clear();
      signedOut();
      void navigate({ to: "/sign-in" });
    },
  });
  const endOne = useMutation({ mutationFn: (id: string) => api.loginEndOne(id), onSuccess: () => toast("ok", p.ended) });
  const columns: Column<Login>[] = [
    { id: "client", header: p.client, narrow: "title", cell: (row) => <span className="flex flex-wrap items-center gap-2"><span className="line-clamp-1 max-w-[44ch]" title={row.client}>{row.client || t.common.unknown}</span>{row.id === who.login?.id ? <Badge tone="ok" icon="check">{p.thisOne}</Badge> : null}</span> },
    { id: "source", header: p.source, cell: (row) => <Mono>{row.source}</Mono> },
    { id: "since", header: p.since, cell: (row) => <When at={row.created_at} /> },
    { id: "used", header: p.lastUsed, cell: (row) => <Ago at={row.last_used_at} /> },
    { id: "factor", header: p.factor, cell: (row) => <Ago at={row.mfa_at} /> },
    { id: "ends", header: p.ends, cell: (row) => <When at={row.expires_at} /> },
    { id: "end", header: p.endOne, quiet: true, width: "6rem", cell: (row) => (row.id === who.login?.id ? null : <Button size="sm" look="danger" busy={endOne.isPending && endOne.variables === row.id} aria-label={`${p.endOne}: ${row.client || row.source}`} onClick={() => endOne.mutate(row.id)}>{p.endOne}</Button>) },
  ];
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3"><p className="text-sm text-muted">{p.loginsLead}</p><Button look="danger" icon={<LogOut className="size-4" aria-hidden />} onClick={() => open("end-all")}>{p.endAll}</Button></div>
      <DataTable label={p.tabs.logins} query={logins} columns={columns} rowKey={(row) => row.id} skeletonRows={3} empty={null} />
      <Pager next={logins.data?.next} />
      {dialog === "end-all" ? <ReasonDialog title={p.endAllTitle} about={p.endAllBody} submit={p.endAll} danger busy={endAll.isPending} error={endAll.error} onSubmit={() => endAll.mutate()} onClose={close} /> : null}
    </>
  );
}
