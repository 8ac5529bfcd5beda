import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { Estate as EstateNoun } from "../api/nouns";
import { t } from "../i18n";
import { cx } from "../ui/cx";
import { pb } from "../util/path-builder";
import { count } from "../util/time";

const f = t.home.figures;

interface Shown {
  to: string;
  label: string;
  value: ReactNode;
  note?: ReactNode;
  tone?: "bad" | "warn" | undefined;
}

/** The state of the whole, as ruled figures for those who run it. What should be nothing stands out when it is not. */
export function Estate({ estate: { figures: g, status: s } }: { estate: EstateNoun }) {
  const behind = s.ledger.size - s.ledger.checkpoint_size;
  const wrong = (n: number): "warn" | undefined => (n > 0 ? "warn" : undefined);
  const shown: Shown[] = [
    { to: pb.accounts(), label: f.accounts, value: count(g.accounts), note: f.assets(g.assets) },
    { to: pb.accounts(), label: f.unmanaged, value: count(g.accounts_unmanaged), note: f.unowned(g.accounts_without_owner), tone: wrong(g.accounts_unmanaged) },
    { to: pb.accounts(), label: f.notReady, value: count(g.accounts_not_ready), note: f.noKey(g.assets_without_host_key), tone: wrong(g.accounts_not_ready) },
    { to: pb.policies(), label: f.standing, value: count(g.policies_standing), note: f.ofPolicies(g.policies), tone: wrong(g.policies_standing) },
    { to: pb.users(), label: f.users, value: count(g.users_active), note: g.users_without_factor > 0 ? f.noFactor(g.users_without_factor) : f.allFactors, tone: wrong(g.users_without_factor) },
    { to: pb.requests(), label: t.home.stat.waiting, value: count(g.requests_pending), note: f.grants(g.grants_active) },
    { to: pb.sessions(), label: t.home.stat.sessions, value: count(g.sessions_live) },
    { to: pb.rotations(), label: f.rotations, value: count(g.rotations_due), note: f.rotationNote(g.rotations_failed, g.rotations_open), tone: g.rotations_failed > 0 ? "bad" : wrong(g.rotations_due) },
    { to: pb.findings(), label: f.alerts, value: count(g.findings_high), note: f.ofFindings(g.findings_open), tone: g.findings_high > 0 ? "bad" : undefined },
    { to: pb.audit(), label: t.home.stat.ledger, value: count(s.ledger.size), note: behind > 0 ? t.home.stat.behind(behind) : f.signed },
    { to: pb.status(), label: t.home.stat.server, value: s.problems.length > 0 ? t.home.stat.problems(s.problems.length) : t.home.stat.ready, tone: s.problems.length > 0 ? "bad" : undefined },
    { to: pb.vault(), label: t.home.stat.vault, value: s.vault_sealed ? t.home.stat.sealed : t.home.stat.unsealed, tone: s.vault_sealed ? "bad" : undefined },
  ];
  return (
    <section aria-label={t.home.estate} className="mb-8 grid grid-cols-2 gap-px overflow-hidden rounded-lg border bg-line sm:grid-cols-3 lg:grid-cols-6">
      {shown.map((each) => <Figure key={each.label} {...each} />)}
    </section>
  );
}

function Figure({ to, label, value, note, tone }: Shown) {
  return (
    <Link to={to} className="min-h-[4.5rem] bg-surface px-4 py-3 hover:bg-hover focus-visible:outline-offset-[-2px]">
      <span className="block text-xs text-muted">{label}</span>
      <span className="flex flex-wrap items-baseline gap-x-2">
        <span className={cx("text-lg font-semibold", tone === "bad" ? "text-bad" : tone === "warn" ? "text-warn" : "text-ink")}>{value}</span>
        {note ? <span className="text-xs text-muted">{note}</span> : null}
      </span>
    </Link>
  );
}
