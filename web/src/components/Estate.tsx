import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { q } from "../api/queries";
import { t } from "../i18n";
import { cx } from "../ui/cx";
import { Skeleton } from "../ui/feedback";
import { pb } from "../util/path-builder";
import { count } from "../util/time";

/** The state of the whole, as one ruled line of figures for those who run it. */
export function Estate() {
  const status = useQuery({ ...q.status(), refetchInterval: 15_000 });
  const pending = useQuery(q.requests({ state: "pending", limit: 100 }));
  const s = status.data;
  const behind = s ? s.ledger.size - s.ledger.checkpoint_size : 0;
  return (
    <section aria-label={t.home.estate} className="mb-8 grid grid-cols-2 rounded-lg border bg-surface sm:grid-cols-3 lg:grid-cols-5">
      <Figure to={pb.sessions()} label={t.home.stat.sessions} value={s ? count(s.sessions_live) : undefined} />
      <Figure to={pb.requests()} label={t.home.stat.waiting} value={pending.data ? `${pending.data.items.length}${pending.data.next ? "+" : ""}` : undefined} />
      <Figure to={pb.vault()} label={t.home.stat.vault} value={s ? (s.vault_sealed ? t.home.stat.sealed : t.home.stat.unsealed) : undefined} tone={s?.vault_sealed ? "bad" : undefined} />
      <Figure to={pb.audit()} label={t.home.stat.ledger} value={s ? count(s.ledger.size) : undefined} note={s ? (behind > 0 ? t.home.stat.behind(behind) : t.home.stat.signed(s.ledger.checkpoint_size)) : undefined} />
      <Figure to={pb.status()} label={t.home.stat.server} value={s ? (s.problems.length > 0 ? t.home.stat.problems(s.problems.length) : t.home.stat.ready) : undefined} tone={s && s.problems.length > 0 ? "bad" : undefined} />
    </section>
  );
}

function Figure({ to, label, value, note, tone }: { to: string; label: string; value: ReactNode; note?: ReactNode; tone?: "bad" | undefined }) {
  return (
    <Link to={to} className="group relative min-h-[4.5rem] border-line px-4 py-3 not-first:border-l hover:bg-hover max-sm:odd:border-l-0 max-sm:[&:nth-child(n+3)]:border-t sm:max-lg:[&:nth-child(4)]:border-l-0 sm:max-lg:[&:nth-child(n+4)]:border-t">
      <span className="block text-xs text-muted">{label}</span>
      {value === undefined ? <Skeleton className="mt-1.5 h-5 w-14" /> : (
        <span className="flex items-baseline gap-2">
          <span className={cx("text-lg font-semibold", tone === "bad" ? "text-bad" : "text-ink")}>{value}</span>
          {note ? <span className="truncate text-xs text-muted">{note}</span> : null}
        </span>
      )}
    </Link>
  );
}
