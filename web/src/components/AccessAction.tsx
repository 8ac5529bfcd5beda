import { Cable, Database, KeySquare, SquareTerminal } from "lucide-react";

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
export type AccessDialog = "request" | "connect" | "checkout";

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
  if (access.state === "pending" && access.request) {
    return <Link to={pb.request(access.request)} className={`relative z-10 ${buttonClass("secondary", "sm")}`}>{t.access.pendingLink}</Link>;
  }
  if (access.state === "request") {
    return (
      <Button size="sm" className="relative z-10" blocked={blocked("request:create")} onClick={() => onOpen("request", access.account)} aria-label={`${t.access.request} ${access.account}`}>
        {t.access.request}
      </Button>
    );
  }
  return <span className="text-sm text-muted">{(access.reasons ?? []).map((why) => why.message).join("; ")}</span>;
}
