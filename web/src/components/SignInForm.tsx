import { useMutation } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import type { FormEvent, ReactNode } from "react";

import { api } from "../api/client";
import { asApiError, messageOf } from "../api/errors";
import { usePasskey } from "../hooks/usePasskey";
import { t } from "../i18n/first";
import { TextField } from "../ui/Field";
import { Press } from "../ui/Press";
import { Notice } from "../ui/feedback";
import { PASSKEYS } from "../util/passkey";
import { CodeField } from "./CodeField";
import { PasswordField } from "./PasswordField";

type Step = "password" | "code" | "recovery";

interface Props {
  /** Who signs in again; asked for where nobody is given. */
  as?: string;
  onDone: () => void;
  /** What is said above the first step, as long as nothing has gone wrong. */
  notice?: ReactNode;
  /** Who signs in, once they have said so. */
  onName?: (name: string | undefined) => void;
}

/** Signing in, step by step: a password and a second factor, or a passkey alone. */
export function SignInForm({ as, onDone, notice, onName }: Props) {
  const [step, setStep] = useState<Step>("password");
  const [user, setUser] = useState(as ?? "");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [recovery, setRecovery] = useState("");

  const signIn = useMutation({
    meta: { inline: true, keeps: true },
    mutationFn: () =>
      api.loginCreate({
        user: user.trim(),
        password,
        ...(step === "code" ? { code } : step === "recovery" ? { recovery_code: recovery.trim() } : {}),
      }),
    onSuccess: () => onDone(),
    onError: (error) => {
      if (asApiError(error).code === "code_required") show("code");
      else setCode("");
    },
  });

  // Alone it verifies the person by itself; after a password it is the second factor.
  const passkey = usePasskey({
    offer: api.loginPasskeyOptions,
    give: (answer) => (step === "password" ? api.loginPasskey(answer) : api.loginCreate({ user: user.trim(), password, passkey: answer })),
    onDone,
  });
  const asked = asApiError(signIn.error).code === "code_required";
  const failed = passkey.error ?? (asked ? null : signIn.error);
  const failure = failed ? messageOf(failed) : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    passkey.reset();
    if (!signIn.isPending) signIn.mutate();
  };
  const show = (next: Step) => {
    setStep(next);
    onName?.(next === "password" ? undefined : user);
  };
  const go = (next: Step) => {
    signIn.reset();
    passkey.reset();
    show(next);
  };

  return (
    <>
      {notice && step === "password" && !failure ? <div className="mb-4"><Notice tone="info">{notice}</Notice></div> : null}
      {failure ? <div className="mb-4"><Notice tone="bad" live>{failure}</Notice></div> : null}
      <form onSubmit={submit}>
        {step === "password" ? (
          <>
            <TextField label={t.signIn.user} value={user} onChange={(event) => setUser(event.target.value)} autoComplete="username" autoCapitalize="off" spellCheck={false} required readOnly={as !== undefined} autoFocus={as === undefined} />
            <PasswordField label={t.signIn.password} value={password} onChange={(event) => setPassword(event.target.value)} autoComplete="current-password" autoFocus={as !== undefined} />
          </>
        ) : step === "code" ? (
          <CodeField key="code" label={t.signIn.code} hint={t.signIn.codeHint} value={code} onCode={setCode} autoFocus />
        ) : (
          <TextField key="recovery" label={t.signIn.recovery} hint={t.signIn.recoveryHint} value={recovery} onChange={(event) => setRecovery(event.target.value)} mono required autoFocus autoComplete="off" spellCheck={false} />
        )}
        <Press look="primary" type="submit" busy={signIn.isPending} className="mt-6 w-full">{t.signIn.submit}</Press>
      </form>
      {PASSKEYS && step !== "recovery" ? (
        <Press className="mt-3 w-full" icon={<KeyRound className="size-4" aria-hidden />} busy={passkey.isPending} onClick={() => { signIn.reset(); passkey.mutate(); }}>{t.signIn.withPasskey}</Press>
      ) : null}
      {step === "password" ? null : (
        <div className="mt-5 flex flex-col items-start gap-1 text-sm">
          <button type="button" className="text-accent hover:underline" onClick={() => go(step === "code" ? "recovery" : "code")}>
            {step === "code" ? t.signIn.withRecovery : t.signIn.withCode}
          </button>
          {as === undefined ? <button type="button" className="text-muted hover:underline" onClick={() => { setPassword(""); go("password"); }}>{t.signIn.other}</button> : null}
        </div>
      )}
    </>
  );
}
