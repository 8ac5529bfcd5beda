import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useDeferredValue, useState } from "react";

import { q } from "../api/queries";
import { Mono } from "../components/Copy";
import { QueryError } from "../components/QueryError";
import { useOpenTerminal } from "../hooks/useOpenTerminal";
import { t } from "../i18n";
import { Dialog } from "../ui/Dialog";
import { Blank, Skeleton } from "../ui/feedback";
import { Press } from "../ui/Press";
import { pb } from "../util/path-builder";

const SHOWN_MAX = 100;

/** Chooses among the accounts that can be used now. */
export function OpenTerminal({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const asked = useDeferredValue(typed.trim());
  const access = useQuery(q.access({ q: asked, limit: SHOWN_MAX }));
  const open = useOpenTerminal();
  const ready = access.data?.items.filter((each) => each.state === "ready" && each.ssh);
  return (
    <Dialog title={t.terminal.open} about={t.terminal.openBody} onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); const [first] = ready ?? []; if (first && !open.isPending) open.mutate(first.account); }}>
        <div className="relative mb-3">
          <Search className="pointer-events-none absolute top-2.5 left-2.5 size-4 text-muted" aria-hidden />
          <input type="search" aria-label={t.access.search} placeholder={t.access.search} value={typed} onChange={(event) => setTyped(event.target.value)} className="h-9 w-full rounded-md border border-line-strong/60 bg-surface pr-2 pl-8.5 text-sm" />
        </div>
      </form>
      {access.isError ? <QueryError error={access.error} onRetry={() => void access.refetch()} /> : null}
      {access.isPending ? <Skeleton className="h-24 w-full" /> : null}
      {ready?.length === 0 ? <Blank title={t.home.reachNone} actions={<Link to={pb.access()} className="text-sm text-accent hover:underline">{t.home.askFor}</Link>}>{t.home.reachNoneBody}</Blank> : null}
      <ul className="divide-y">
        {ready?.map((each) => (
          <li key={each.account} className="flex items-center gap-3 py-2">
            <Mono className="min-w-0 flex-1 truncate font-medium">{each.account}</Mono>
            <Press size="sm" look="primary" busy={open.isPending && open.variables === each.account} aria-label={t.terminal.openFor(each.account)} onClick={() => open.mutate(each.account)}>{t.terminal.connect}</Press>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
