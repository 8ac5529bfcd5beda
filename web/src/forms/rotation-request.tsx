import { useMutation } from "@tanstack/react-query";

import { api } from "../api/client";
import { ReasonDialog } from "../components/ReasonDialog";
import { t } from "../i18n";
import { toast } from "../stores/toast";

const r = t.rotations;

/** Changes an account's secret now. */
export function RotateNow({ account, onClose }: { account: string; onClose: () => void }) {
  const rotate = useMutation({
    meta: { inline: true },
    mutationFn: (reason: string) => api.rotationRequest(account, reason),
    onSuccess: () => {
      toast("ok", r.begun);
      onClose();
    },
  });
  return <ReasonDialog title={r.nowTitle(account)} about={r.nowBody} label={r.reason} submit={r.now} busy={rotate.isPending} error={rotate.error} onSubmit={(reason) => rotate.mutate(reason)} onClose={onClose} />;
}
