import { useMutation } from "@tanstack/react-query";
import { Fingerprint } from "lucide-react";
import { useState } from "react";
import type { FormEvent } from "react";

import { api } from "../api/client";
import type { LinkUse } from "../api/client";
import { asApiError, messageOf } from "../api/errors";
import type { LinkShown } from "../api/nouns";
import { CodeField } from "../components/CodeField";
import { CopyButton } from "../components/Copy";
import { PasswordField } from "../components/PasswordField";
import { QrCode } from "../components/QrCode";
import { passkeyFailure } from "../hooks/usePasskey";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { cx } from "../ui/cx";
import { TextField } from "../ui/Field";
import { Notice } from "../ui/feedback";
import { PASSKEYS, createPasskey } from "../util/passkey";
import type { Strength } from "../util/strength";
import { strengthOf } from "../util/strength";

interface Props {
  link: LinkShown;
  setup: boolean;
  busy: boolean;
  error: unknown;
  token: string;
  onSubmit: (body: LinkUse) => void;
}

/** A password and a second factor, for a person who holds a one-time link. */
export function EnrolForm({ link, token, setup, busy, error, onSubmit }: Props) {
  const [user, setUser] = useState(link.user ?? "");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [code, setCode] = useState("");
  const [tried, setTried] = useState(false);

  const name = setup ? user : (link.user ?? "");
  const strength = strengthOf(password, name);
  const differs = again !== "" && again !== password;
  const failure = error ? asApiError(error) : undefined;
  const passkey = useMutation({
    meta: { inline: true },
    gcTime: 0,
    mutationFn: async () => {
      const { id, options } = await api.linkPasskeyOptions(token, setup ? user.trim() : undefined);
      const credential = await createPasskey(options).catch((problem: unknown) => Promise.reject(passkeyFailure(problem)));
      return { id, name: t.link.passkey.name, credential };
    },
  });
  // What was made answers a question that the server forgets after a few minutes.
  const stale = failure?.field === "id" || failure?.field === "credential";
  const made = stale ? undefined : passkey.data;
  const fieldError = (field: string) => (failure?.field === field ? failure.message : undefined);
  const known = ["user", "password", "code"].includes(failure?.field ?? "");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (password !== again || strength.score < 2 || busy) return;
    onSubmit({ ...(setup ? { user: user.trim() } : {}), password, ...(code.trim() || !made ? { code } : {}), ...(made ? { passkey: made } : {}) });
  };

  return (
    <form onSubmit={submit}>
      {failure && !known ? <div className="mb-4"><Notice tone="bad" live>{messageOf(failure)}</Notice></div> : null}
      {setup ? (
        <TextField label={t.link.setup.user} hint={t.link.setup.userHint} value={user} onChange={(event) => setUser(event.target.value.toLowerCase())} pattern="[a-z0-9][a-z0-9._\-]*" maxLength={63} autoComplete="username" autoCapitalize="off" spellCheck={false} required autoFocus error={fieldError("user")} />
      ) : (
        <input type="hidden" name="username" autoComplete="username" value={name} readOnly />
      )}
      <PasswordField label={t.link.password} value={password} onChange={(event) => setPassword(event.target.value)} autoComplete="new-password" error={fieldError("password") ?? (tried && strength.score < 2 ? t.link.strength[strength.hint] : undefined)} hint={<Meter strength={strength} />} />
      <PasswordField label={t.link.passwordAgain} value={again} onChange={(event) => setAgain(event.target.value)} autoComplete="new-password" error={differs ? t.link.mismatch : undefined} />
      {link.passkeys && PASSKEYS ? (
        <section aria-label={t.link.passkey.title} className="mt-6 border-t pt-5">
          <h2 className="text-base font-semibold">{t.link.passkey.title}</h2>
          <p className="mt-0.5 text-sm text-muted">{t.link.passkey.body}</p>
          {passkey.error ? <div className="mt-3"><Notice tone="bad" live>{messageOf(passkey.error)}</Notice></div> : null}
          {made ? (
            <div className="mt-3"><Notice tone="ok" live title={t.link.passkey.made}>{t.link.passkey.madeBody}</Notice></div>
          ) : (
            <Button className="mt-3" icon={<Fingerprint className="size-4" aria-hidden />} busy={passkey.isPending} blocked={setup && user.trim() === "" ? t.link.passkey.nameFirst : undefined} onClick={() => passkey.mutate()}>{t.link.passkey.make}</Button>
          )}
        </section>
      ) : null}
      {link.totp ? <Totp secret={link.totp.secret} uri={link.totp.otpauth_uri} /> : null}
      <CodeField label={t.link.totp.code} hint={t.link.totp.codeHint} value={code} onCode={setCode} required={!made} optional={made ? t.common.optional : undefined} error={fieldError("code")} />
      <Button look="primary" type="submit" busy={busy} className="mt-6 w-full sm:w-auto">{setup ? t.link.setup.submit : t.link.enrol.submit}</Button>
    </form>
  );
}

const METER = ["bg-line", "bg-bad", "bg-warn", "bg-ok", "bg-ok"];

function Meter({ strength }: { strength: Strength }) {
  return (
    <span className="flex items-center gap-3">
      <span className="flex w-24 shrink-0 gap-1" aria-hidden>
        {[1, 2, 3, 4].map((step) => (
          <span key={step} className={cx("h-1 flex-1 rounded-full", step <= strength.score ? METER[strength.score] : "bg-line")} />
        ))}
      </span>
      <span aria-live="polite">{t.link.strength[strength.hint]}</span>
    </span>
  );
}

function Totp({ secret, uri }: { secret: string; uri: string }) {
  const grouped = secret.replaceAll(/(.{4})(?=.)/g, "$1 ");
  return (
    <fieldset className="mt-6 border-t pt-5">
      <legend className="sr-only">{t.link.steps.totp}</legend>
      <h2 className="text-base font-semibold">{t.link.totp.title}</h2>
      <p className="mt-0.5 text-sm text-muted">{t.link.totp.body}</p>
      <div className="mt-4 mb-5 flex flex-col gap-5 sm:flex-row sm:items-center">
        <QrCode text={uri} label={t.link.totp.qr} />
        <div className="min-w-0">
          <p className="text-sm text-muted">{t.link.totp.manual}</p>
          <div className="mt-1.5 flex items-start gap-1">
            <code className="font-mono text-sm leading-6 [overflow-wrap:anywhere]">{grouped}</code>
            <CopyButton text={secret} label={t.link.totp.copy} />
          </div>
        </div>
      </div>
    </fieldset>
  );
}
