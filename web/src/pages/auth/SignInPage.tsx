import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import type { FormEvent } from "react";

import { api } from "../../api/client";
import { asApiError, messageOf } from "../../api/errors";
import { CodeField } from "../../components/CodeField";
import { PasswordField } from "../../components/PasswordField";
import { usePasskey } from "../../hooks/usePasskey";
import { useUrlState } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import { AuthLayout } from "../../layouts/AuthLayout";
import { Press } from "../../ui/Press";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/feedback";
import { PASSKEYS } from "../../util/passkey";
import { validateSearch } from "../../util/search";

type Step = "password" | "code" | "recovery";

/** Only an address of ours: what follows signing in is never another site. */
export function safeNext(next: string | undefined): { to: string; search: Record<string, string | undefined> } {
  const inside = next && /^\/(?![/\\])/.test(next) ? next : "/";
  const url = new URL(inside, location.origin);
  if (url.origin !== location.origin) return { to: "/", search: {} };
  return { to: url.pathname, search: { ...validateSearch(Object.fromEntries(url.searchParams)) } };
}

export function SignInPage() {
  const { search } = useUrlState();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [step, setStep] = useState<Step>("password");
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [recovery, setRecovery] = useState("");

  const done = async () => {
    client.clear();
    await navigate({ ...safeNext(search.next), replace: true });
  };
  const signIn = useMutation({
    meta: { inline: true, keeps: true },
    mutationFn: () =>
      api.loginCreate({
        user: user.trim(),
        password,
        ...(step === "code" ? { code } : step === "recovery" ? { recovery_code: recovery.trim() } : {}),
      }),
    onSuccess: () => done(),
    onError: (error) => {
      if (asApiError(error).code === "code_required") setStep("code");
      else setCode("");
    },
  });

  // Alone it verifies the person by itself; after a password it is the second factor.
  const passkey = usePasskey({
    offer: api.loginPasskeyOptions,
    give: (answer) => (step === "password" ? api.loginPasskey(answer) : api.loginCreate({ user: user.trim(), password, passkey: answer })),
    onDone: () => void done(),
  });
  const asked = asApiError(signIn.error).code === "code_required";
  const failed = passkey.error ?? (asked ? null : signIn.error);
  const failure = failed ? messageOf(failed) : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    passkey.reset();
    if (!signIn.isPending) signIn.mutate();
  };
  const go = (next: Step) => {
    signIn.reset();
    passkey.reset();
    setStep(next);
  };

  return (
    <AuthLayout title={t.signIn.title} lead={step === "password" ? t.signIn.lead : t.signIn.as(user)}>
      {search.next && step === "password" && !failure ? <div className="mb-4"><Notice tone="info">{t.signIn.signedOut}</Notice></div> : null}
      {failure ? <div className="mb-4"><Notice tone="bad" live>{failure}</Notice></div> : null}
      <form onSubmit={submit}>
        {step === "password" ? (
          <>
            <TextField label={t.signIn.user} value={user} onChange={(event) => setUser(event.target.value)} autoComplete="username" autoCapitalize="off" spellCheck={false} required autoFocus />
            <PasswordField label={t.signIn.password} value={password} onChange={(event) => setPassword(event.target.value)} autoComplete="current-password" />
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
          <button type="button" className="text-muted hover:underline" onClick={() => { setPassword(""); go("password"); }}>{t.signIn.other}</button>
        </div>
      )}
    </AuthLayout>
  );
}
