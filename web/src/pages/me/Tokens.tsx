import { useMutation, useQuery } from "@tanstack/react-query";
import { KeySquare, Plus } from "lucide-react";

import { api } from "../../api/client";
import type { ApiToken } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { ReasonDialog } from "../../components/ReasonDialog";
import { Ago, When } from "../../components/When";
import { TokenCreate } from "../../forms/token-create";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Pager, sizeOf } from "../../table/Pager";
import { Button } from "../../ui/Button";

const p = t.profile;

export function Tokens() {
  const { search } = useFilter();
  const { dialog, item, open, close } = useDialog();
  const tokens = useQuery(q.tokens({ cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true }));
  const chosen = tokens.data?.items.find((token) => token.id === item);
  const columns: Column<ApiToken>[] = [
    { id: "name", header: p.name, sort: "name", narrow: "title", cell: (row) => <span className="font-medium">{row.name}</span> },
    { id: "permissions", header: t.roles.permissions, cell: (row) => <span title={row.permissions.join(", ")} className="text-muted">{p.permissionCount(row.permissions.length)}</span> },
    { id: "scope", header: p.scope, cell: (row) => <Mono className="text-muted">{row.scope}</Mono> },
    { id: "used", header: p.lastUsed, sort: "last_used_at", cell: (row) => <Ago at={row.last_used_at} /> },
    { id: "expires", header: p.expires, sort: "expires_at", cell: (row) => <When at={row.expires_at} /> },
    { id: "revoke", header: p.revokeToken, quiet: true, width: "6rem", cell: (row) => <Button size="sm" look="danger" aria-label={`${p.revokeToken}: ${row.name}`} onClick={() => open("revoke-token", row.id)}>{p.revokeToken}</Button> },
  ];
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3"><p className="text-sm text-muted">{p.tokensLead}</p><Button look="primary" icon={<Plus className="size-4" aria-hidden />} onClick={() => open("add-token")}>{p.addToken}</Button></div>
      <DataTable label={p.tabs.tokens} query={tokens} columns={columns} rowKey={(row) => row.id} skeletonRows={3} empty={<EmptyList icon={<KeySquare />} filtered={false} onClear={() => undefined} title={p.noTokens} />} />
      <Pager next={tokens.data?.next} total={tokens.data?.total} />
      {dialog === "add-token" ? <TokenCreate onClose={close} /> : null}
      {dialog === "revoke-token" && chosen ? <Revoke token={chosen} onClose={close} /> : null}
    </>
  );
}

function Revoke({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const revoke = useMutation({ meta: { inline: true }, mutationFn: () => api.tokenRevoke(token.id), onSuccess: () => { toast("ok", p.tokenRevoked); onClose(); } });
  return <ReasonDialog title={p.revokeTokenTitle(token.name)} about={p.revokeTokenBody} submit={p.revokeToken} danger busy={revoke.isPending} error={revoke.error} onSubmit={() => revoke.mutate()} onClose={onClose} />;
}
