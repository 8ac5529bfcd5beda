import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { Unlink } from "lucide-react";
import { useState } from "react";

import { api } from "../../api/client";
import type { LinkUse } from "../../api/client";
import { asApiError } from "../../api/errors";
import { q } from "../../api/queries";
import { RecoveryCodes } from "../../components/RecoveryCodes";
import { EnrolForm } from "../../forms/user-enrol";
import { t } from "../../i18n";
import { AuthLayout } from "../../layouts/AuthLayout";
import { Button } from "../../ui/Button";
import { CheckField } from "../../ui/Field";
import { Blank, Notice, Skeleton } from "../../ui/feedback";
import { QueryError } from "../../components/QueryError";
import { fullTime } from "../../util/time";

/** `/setup/{token}` and `/enrol/{token}`: password, authenticator, recovery codes. */
export function LinkPage() {
  const { token = "" } = useParams({ strict: false });
  const link = useQuery(q.link(token));
  const [done, setDone] = useState<{ codes: string[]; user: string }>();
  const use = useMutation({
    meta: { inline: true, keeps: true },
    mutationFn: (body: LinkUse) => api.linkUse(token, body),
    onSuccess: (answer) => setDone({ codes: answer.recovery_codes, user: answer.user.name }),
  });

  if (done) return <Kept codes={done.codes} user={done.user} />;
  if (link.isPending) {
    return (
      <AuthLayout title={t.link.checking} wide>
        <Skeleton className="h-9 w-full" />
      </AuthLayout>
    );
  }
  if (link.isError) {
    const { status } = asApiError(link.error);
    return (
      <AuthLayout title={status === 404 || status === 410 ? t.link.gone : t.errors.title} wide>
        {status === 404 || status === 410 ? <Blank icon={<Unlink />} title={t.link.goneBody} /> : <QueryError error={link.error} onRetry={() => void link.refetch()} />}
      </AuthLayout>
    );
  }
  const setup = link.data.purpose === "setup";
  const name = link.data.user ?? "";
  return (
    <AuthLayout title={setup ? t.link.setup.title : t.link.enrol.title} lead={setup ? t.link.setup.lead : t.link.enrol.lead(name)} wide>
      <EnrolForm token={token} link={link.data} setup={setup} busy={use.isPending} error={use.error} onSubmit={(body) => use.mutate(body)} />
      <p className="mt-6 text-xs text-muted">{t.link.expires(fullTime(new Date(link.data.expires_at)))}</p>
    </AuthLayout>
  );
}

function Kept({ codes, user }: { codes: string[]; user: string }) {
  const navigate = useNavigate();
  const [kept, setKept] = useState(false);
  return (
    <AuthLayout title={t.link.recovery.title} wide>
      <div className="mb-4"><Notice tone="warn">{t.link.recovery.body}</Notice></div>
      <RecoveryCodes codes={codes} user={user} />
      <div className="no-print mt-6 border-t pt-4">
        <CheckField label={t.link.recovery.kept} checked={kept} onChange={(event) => setKept(event.target.checked)} />
        <Button look="primary" className="mt-3" blocked={kept ? undefined : t.link.recovery.body} onClick={() => void navigate({ to: "/sign-in" })}>
          {t.link.recovery.go}
        </Button>
      </div>
    </AuthLayout>
  );
}
