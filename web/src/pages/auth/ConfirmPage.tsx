import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { CircleCheck, Unlink } from "lucide-react";
import { useState } from "react";

import { api } from "../../api/client";
import type { Factor } from "../../api/client";
import { asApiError, messageOf } from "../../api/errors";
import { q } from "../../api/queries";
import { CodeField } from "../../components/CodeField";
import { PasskeyFactor } from "../../components/PasskeyFactor";
import { Left } from "../../components/When";
import { usePasskey } from "../../hooks/usePasskey";
import { useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { AuthLayout } from "../../layouts/AuthLayout";
import { Button } from "../../ui/Button";
import { Blank, Notice, Skeleton } from "../../ui/feedback";
import { Facts } from "../../ui/Page";

/** `/confirm/{token}`: an ssh client waits until its user proves a factor here. */
export function ConfirmPage() {
  const { token = "" } = useParams({ strict: false });
  const who = useWho();
  const link = useQuery(q.link(token));
  const [code, setCode] = useState("");
  const confirm = useMutation({
    meta: { inline: true, keeps: true },
    mutationFn: (factor: Factor) => api.linkConfirm(token, factor),
    onError: () => setCode(""),
  });

  const passkey = usePasskey({ offer: api.loginFactorOptions, give: (answer) => confirm.mutateAsync({ passkey: answer }), onDone: () => undefined });

  if (confirm.isSuccess) {
    return (
      <AuthLayout title={t.link.confirm.done}>
        <Blank icon={<CircleCheck />} title={t.link.confirm.doneBody} />
      </AuthLayout>
    );
  }
  if (link.isPending) return <AuthLayout title={t.link.checking}><Skeleton className="h-9 w-full" /></AuthLayout>;
  if (link.isError || link.data.purpose !== "factor") {
    return (
      <AuthLayout title={t.link.gone}>
        <Blank icon={<Unlink />} title={link.isError && asApiError(link.error).status !== 404 ? messageOf(link.error) : t.link.goneBody} />
      </AuthLayout>
    );
  }
  const owner = link.data.user;
  return (
    <AuthLayout title={t.link.confirm.title} lead={t.link.confirm.body}>
      <div className="mb-5 rounded-lg border bg-surface px-4 py-3">
        <Facts items={[[t.link.confirm.for, <span key="u" className="font-mono">{owner}</span>], [t.link.confirm.until, <Left key="l" until={link.data.expires_at} />]]} />
      </div>
      {owner && owner !== who.user.name ? (
        <Notice tone="warn">{t.link.confirm.wrongUser(owner)}</Notice>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!confirm.isPending) confirm.mutate({ code });
          }}
        >
          {who.passkeys ? <PasskeyFactor passkey={passkey} /> : null}
          <CodeField label={t.signIn.code} hint={t.signIn.codeHint} value={code} onCode={setCode} error={confirm.error ? messageOf(confirm.error) : undefined} autoFocus />
          <Button look="primary" type="submit" busy={confirm.isPending} className="mt-5 w-full">{t.link.confirm.submit}</Button>
        </form>
      )}
      <details className="mt-6 text-sm text-muted">
        <summary className="hover:text-ink">{t.link.confirm.notMe}</summary>
        <p className="mt-2">{t.link.confirm.notMeBody}</p>
      </details>
    </AuthLayout>
  );
}
