import { Cable, Database, KeySquare, Siren, SquareTerminal } from "lucide-react";

import type { Access } from "../api/nouns";
import { useOpenTerminal } from "../hooks/useOpenTerminal";
import { useCan } from "../hooks/useWho";
import { Link } from "@tanstack/react-router";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { buttonClass } from "../ui/Press";
import { Badge } from "../ui/Badge";
import { pb } from "../util/path-builder";
import { CopyLine } from "./Copy";

export function AccessBadge({ state }: { state: Access["state"] }) {
  const text = t.access.states[state];
  switch (state) {
    case "ready": return <Badge tone="ok" icon="check">{text}</Badge>;
    case "request": return <Badge tone="plain" icon="dot">{text}</Badge>;
    case "pending": return <Badge tone="warn" icon="wait">{text}</Badge>;
    case "unavailable": return <Badge tone="plain" icon="ban">{text}</Badge>;
  }
}

/** What is done in a dialog with an account. */
export type AccessDialog = "request" | "emergency" | "connect" | "checkout";

/** The one thing to do next with an account: connect, ask, wait, or learn why not. */
export function AccessAction({ access, onOpen }: { access: Access; onOpen: (dialog: AccessDialog, account: string) => void }) {
  const { blocked } = useCan();
  const open = useOpenTerminal();
  const secret = access.state === "ready" && access.demands?.checkout_seconds ? (
    <Button size="sm" icon={<KeySquare className="size-4" aria-hidden />} blocked={blocked("request:create")} aria-label={t.checkouts.openFor(access.account)} onClick={() => onOpen("checkout", access.account)}>{t.checkouts.secret}</Button>
  ) : null;
  if (access.state === "ready" && access.ssh) {
    return (
      <span className="relative z-10 flex min-w-0 items-center gap-2">
        <Button size="sm" look="primary" icon={<SquareTerminal className="size-4" aria-hidden />} busy={open.isPending} aria-label={t.terminal.openFor(access.account)} onClick={() => open.mutate(access.account)}>{t.access.terminal}</Button>
        {secret}
        <CopyLine className="flex-1 [contain:inline-size] max-sm:hidden" text={access.ssh} label={`${t.access.copy} ${access.account}`} />
      </span>
    );
  }
  if (access.state === "ready" && (access.connect || secret)) {
    return (
      <span className="relative z-10 flex min-w-0 items-center gap-2">
        {access.connect === "postgresql" || access.connect === "mysql" ? <Link to={pb.sql()} search={{ account: access.account }} aria-label={t.sql.openFor(access.account)} className={buttonClass("primary", "sm")}><Database className="size-4" aria-hidden />{t.sql.short}</Link> : null}
        {access.connect ? <Button size="sm" look={access.connect === "redis" ? "primary" : "secondary"} icon={<Cable className="size-4" aria-hidden />} aria-label={t.connect.openFor(access.account)} onClick={() => onOpen("connect", access.account)}>{t.connect.open}</Button> : null}
        {secret}
      </span>
    );
  }
  const emergency = access.break_glass ? (
    <Button size="sm" look="danger" icon={<Siren className="size-4" aria-hidden />} blocked={blocked("request:create")} aria-label={t.breakGlass.askFor(access.account)} onClick={() => onOpen("emergency", access.account)}>{t.breakGlass.ask}</Button>
  ) : null;
  if (access.state === "pending" && access.request) {
    return <span className="relative z-10 flex flex-wrap gap-2"><Link to={pb.request(access.request)} className={buttonClass("secondary", "sm")}>{t.access.pendingLink}</Link>{emergency}</span>;
  }
  if (access.state === "request") {
    return (
      <span className="relative z-10 flex flex-wrap gap-2">
        <Button size="sm" blocked={blocked("request:create")} onClick={() => onOpen("request", access.account)} aria-label={`${t.access.request} ${access.account}`}>
          {t.access.request}
        </Button>
        {emergency}
      </span>
    );
  }
  if (emergency) return <span className="relative z-10">{emergency}</span>;
  return <span className="text-sm text-muted">{(access.reasons ?? []).map((why) => why.message).join("; ")}</span>;
}
