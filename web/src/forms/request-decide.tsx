import { useMutation } from "@tanstack/react-query";
import { Check, Undo2, X } from "lucide-react";

import { api } from "../api/client";
import type { Request, Risk } from "../api/nouns";
import { ReasonDialog } from "../components/ReasonDialog";
import { RiskBadge, RiskSignals } from "../components/states";
import { useCan, useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { Button } from "../ui/Button";
import { cx } from "../ui/cx";
import { duration } from "../util/time";

export function useDecideBlocked(request: Request): string | undefined {
  const who = useWho();
  const { blocked } = useCan();
  if (request.state !== "pending") return t.can.notPending;
  if (request.user === who.user.name) return t.can.ownRequest;
  if (request.approvals.some((answer) => answer.user === who.user.name)) return t.can.answered;
  return blocked("request:approve", request.scope);
}

/** Approve and deny, and withdraw for one's own. */
export function DecideButtons({ request, onOpen, size = "md" }: { request: Request; onOpen: (dialog: "approve" | "deny" | "withdraw") => void; size?: "sm" | "md" }) {
  const who = useWho();
  const why = useDecideBlocked(request);
  const named = (verb: string) => `${verb}: ${request.user}, ${request.account}`;
  if (request.user === who.user.name) {
    return request.state === "pending" || request.next_window_at ? (
      <Button size={size} className="relative z-10" icon={<Undo2 className="size-4" aria-hidden />} onClick={() => onOpen("withdraw")}>{request.state === "pending" ? t.requests.withdraw : t.requests.endWindows}</Button>
    ) : null;
  }
  if (request.state !== "pending") return null;
  return (
    <span className={cx("relative z-10 flex gap-2", size === "sm" ? "max-md:[&>button]:h-9 max-md:[&>button]:flex-1" : "")}>
      <Button size={size} look="primary" blocked={why} aria-label={named(t.requests.approve)} icon={<Check className="size-4" aria-hidden />} onClick={() => onOpen("approve")}>{t.requests.approve}</Button>
      <Button size={size} look="danger" blocked={why} aria-label={named(t.requests.deny)} icon={<X className="size-4" aria-hidden />} onClick={() => onOpen("deny")}>{t.requests.deny}</Button>
    </span>
  );
}

export function DecideDialogs({ request, risk, dialog, onClose }: { request: Request; risk?: Risk | null; dialog: string | undefined; onClose: () => void }) {
  const done = (text: string) => {
    toast("ok", text);
    onClose();
  };
  const approve = useMutation({
    meta: { inline: true },
    mutationFn: (reason: string) => api.requestApprove(request.id, reason),
    onSuccess: (after) => done(after.state === "granted" ? t.requests.approved : t.requests.approvedMore),
  });
  const deny = useMutation({ meta: { inline: true }, mutationFn: (reason: string) => api.requestDeny(request.id, reason), onSuccess: () => done(t.requests.denied) });
  const withdraw = useMutation({ meta: { inline: true }, mutationFn: () => api.requestWithdraw(request.id), onSuccess: () => done(t.requests.withdrawn) });

  const said = (
    <blockquote className="mb-4 border-l-2 border-line-strong pl-3 text-sm text-ink">
      {request.reason}
      <span className="mt-0.5 block text-xs text-muted">{[duration(request.duration_seconds), request.ticket].filter(Boolean).join(" · ")}</span>
      {risk && risk.level !== "low" ? <span className="mt-2 flex flex-col items-start gap-1 text-xs text-muted"><span className="flex items-center gap-2">{t.requests.risk}<RiskBadge risk={risk} /></span><RiskSignals risk={risk} /></span> : null}
    </blockquote>
  );
  if (dialog === "approve") {
    return <ReasonDialog title={t.requests.approveTitle(request.user, request.account)} label={t.requests.approveReason} submit={t.requests.approveSubmit} busy={approve.isPending} error={approve.error} onSubmit={(reason) => approve.mutate(reason)} onClose={onClose}>{said}</ReasonDialog>;
  }
  if (dialog === "deny") {
    return <ReasonDialog title={t.requests.denyTitle(request.user, request.account)} label={t.requests.denyReason} hint={t.requests.denyHint} needed danger submit={t.requests.denySubmit} busy={deny.isPending} error={deny.error} onSubmit={(reason) => deny.mutate(reason)} onClose={onClose}>{said}</ReasonDialog>;
  }
  if (dialog === "withdraw") {
    return <ReasonDialog title={t.requests.withdraw} submit={t.requests.withdraw} busy={withdraw.isPending} error={withdraw.error} onSubmit={() => withdraw.mutate()} onClose={onClose}>{said}</ReasonDialog>;
  }
  return null;
}
