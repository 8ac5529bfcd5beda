import { useMutation } from "@tanstack/react-query";
import { Eye, EyeOff } from "lucide-react";
import { useState } from "react";

import { api } from "../api/client";
import type { CheckedOut } from "../api/nouns";
import { CopyButton } from "../components/Copy";
import { ReasonDialog } from "../components/ReasonDialog";
import { Left } from "../components/When";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { Button, IconButton } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { Notice } from "../ui/feedback";
import { duration } from "../util/time";

const c = t.checkouts;

/** Checks a secret out and shows it once. */
export function CheckoutOpen({ account, seconds, onClose }: { account: string; seconds: number; onClose: () => void }) {
  const open = useMutation({ meta: { inline: true }, gcTime: 0, mutationFn: (reason: string) => api.checkoutOpen({ account, reason }) });
  if (open.data) return <Shown given={open.data} onClose={onClose} />;
  return <ReasonDialog title={c.openTitle(account)} about={c.openBody(duration(seconds))} label={c.whatFor} hint={c.reasonHint} needed submit={c.open} busy={open.isPending} error={open.error} onSubmit={(reason) => open.mutate(reason)} onClose={onClose} />;
}

function Shown({ given: { checkout, secret }, onClose }: { given: CheckedOut; onClose: () => void }) {
  const [seen, setSeen] = useState(false);
  const giveBack = useCheckin(onClose);
  const lines = secret.includes("\n");
  return (
    <Dialog title={c.secretTitle(checkout.account)} onClose={onClose} dismissable={false}>
      <Notice tone="warn">{c.secretOnce}</Notice>
      <div className="mt-4 flex items-start gap-1 rounded-md border bg-sunken py-1 pr-1 pl-2.5">
        <code data-secret className="max-h-48 min-w-0 flex-1 overflow-auto py-1 font-mono text-xs whitespace-pre-wrap text-ink [overflow-wrap:anywhere]">{seen ? secret : "•".repeat(lines ? 24 : 16)}</code>
        <IconButton size="sm" label={seen ? c.hide : c.show} onClick={() => setSeen(!seen)}>{seen ? <EyeOff className="size-4" aria-hidden /> : <Eye className="size-4" aria-hidden />}</IconButton>
        <CopyButton text={secret} label={c.copy} />
      </div>
      <p className="mt-3 text-sm text-muted">{c.until} <Left until={checkout.ends_at} /></p>
      <DialogActions>
        <Button busy={giveBack.isPending} onClick={() => giveBack.mutate(checkout.id)}>{c.checkin}</Button>
        <Button look="primary" onClick={onClose}>{t.actions.done}</Button>
      </DialogActions>
    </Dialog>
  );
}

/** Gives a secret back. */
export function useCheckin(onDone: () => void) {
  return useMutation({
    mutationFn: (id: string) => api.checkoutClose(id),
    onSuccess: () => {
      toast("ok", c.checkedIn);
      onDone();
    },
  });
}
