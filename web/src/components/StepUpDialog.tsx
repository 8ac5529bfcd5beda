import { useMutation } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";

import { api } from "../api/client";
import { messageOf } from "../api/errors";
import { t } from "../i18n";
import { stepUp } from "../stores/question";
import { usePasskey } from "../hooks/usePasskey";
import { useWho } from "../hooks/useWho";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { Notice } from "../ui/feedback";
import { CodeField } from "./CodeField";
import { PasskeyFactor } from "./PasskeyFactor";

/** Opens when the server wants a fresh factor; the call that wanted it is then tried again. */
export function StepUpDialog() {
  const asked = stepUp.useAsked();
  return asked === "passkey" ? <AskPasskey /> : asked ? <Ask /> : null;
}

function useProvePasskey() {
  return usePasskey({ offer: api.loginFactorOptions, give: (answer) => api.loginFactor({ passkey: answer }), onDone: () => stepUp.answer(true) });
}

/** Where a code does not do. */
function AskPasskey() {
  const hasPasskey = useWho().passkeys;
  const passkey = useProvePasskey();
  return (
    <Dialog title={t.stepUp.title} about={hasPasskey ? t.stepUp.passkeyBody : t.stepUp.passkeyNone} onClose={() => stepUp.answer(false)}>
      {passkey.error ? <div className="mb-4"><Notice tone="bad" live>{messageOf(passkey.error)}</Notice></div> : null}
      <DialogActions>
        <Button onClick={() => stepUp.answer(false)}>{t.actions.cancel}</Button>
        {hasPasskey ? <Button look="primary" icon={<KeyRound className="size-4" aria-hidden />} busy={passkey.isPending} onClick={() => passkey.mutate()}>{t.passkey.use}</Button> : null}
      </DialogActions>
    </Dialog>
  );
}

function Ask() {
  const [code, setCode] = useState("");
  const hasPasskey = useWho().passkeys;
  const prove = useMutation({
    mutationFn: () => api.loginFactor({ code }),
    meta: { inline: true, keeps: true },
    onSuccess: () => stepUp.answer(true),
    onError: () => setCode(""),
  });
  const passkey = useProvePasskey();
  return (
    <Dialog title={t.stepUp.title} about={t.stepUp.body} onClose={() => stepUp.answer(false)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!prove.isPending) prove.mutate();
        }}
      >
        {hasPasskey ? <PasskeyFactor passkey={passkey} /> : null}
        <CodeField label={t.signIn.code} hint={t.signIn.codeHint} value={code} onCode={setCode} error={prove.error ? messageOf(prove.error) : undefined} autoFocus />
        <DialogActions>
          <Button onClick={() => stepUp.answer(false)}>{t.actions.cancel}</Button>
          <Button look="primary" type="submit" busy={prove.isPending}>{t.stepUp.submit}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
