import { KeyRound } from "lucide-react";

import { messageOf } from "../api/errors";
import type { usePasskey } from "../hooks/usePasskey";
import { t } from "../i18n";
import { Notice } from "../ui/feedback";
import { Press } from "../ui/Press";

/** The passkey as the way to prove a factor, above the code as the other one. */
export function PasskeyFactor({ passkey }: { passkey: ReturnType<typeof usePasskey> }) {
  return (
    <div className="mb-4">
      {passkey.error ? <div className="mb-3"><Notice tone="bad" live>{messageOf(passkey.error)}</Notice></div> : null}
      <Press look="primary" className="w-full" icon={<KeyRound className="size-4" aria-hidden />} busy={passkey.isPending} onClick={() => passkey.mutate()}>{t.passkey.use}</Press>
      <p className="mt-3 flex items-center gap-3 text-xs text-muted before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">{t.passkey.or}</p>
    </div>
  );
}
