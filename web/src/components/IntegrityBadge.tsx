import { useQuery } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { useState } from "react";

import { asApiError, messageOf } from "../api/errors";
import type { Integrity } from "../api/nouns";
import { q } from "../api/queries";
import { t } from "../i18n";
import { Badge } from "../ui/Badge";
import type { Tone } from "../ui/Badge";
import { IconButton } from "../ui/Button";

const LOOKS: Record<Integrity["verdict"], { tone: Tone; icon: "check" | "clock" | "alert" | "x"; text: string; body: string }> = {
  verified: { tone: "ok", icon: "check", text: t.integrity.verified, body: t.integrity.verifiedBody },
  live: { tone: "info", icon: "clock", text: t.integrity.live, body: t.integrity.liveBody },
  incomplete: { tone: "warn", icon: "alert", text: t.integrity.incomplete, body: t.integrity.incompleteBody },
  altered: { tone: "bad", icon: "x", text: t.integrity.altered, body: t.integrity.alteredBody },
  pruned: { tone: "plain", icon: "clock", text: t.integrity.pruned, body: t.integrity.prunedBody },
  missing: { tone: "bad", icon: "x", text: t.integrity.missing, body: t.integrity.missingBody },
};

/** Whether a recording is what was written, computed by the server when this is shown. */
export function IntegrityBadge({ session }: { session: string }) {
  const integrity = useQuery({ ...q.integrity(session), retry: false });
  // What was found last stands while it is looked at again by itself; whoever asks sees that it is being done.
  const [asked, setAsked] = useState(false);
  if (integrity.isPending) return <Badge tone="plain" icon="dashed">{t.integrity.checking}</Badge>;
  if (integrity.isError) {
    const { status } = asApiError(integrity.error);
    return <span title={messageOf(integrity.error)}><Badge tone={status === 403 ? "plain" : "warn"} icon="alert">{t.integrity.failed}</Badge></span>;
  }
  const look = LOOKS[integrity.data.verdict];
  const check = () => {
    setAsked(true);
    void integrity.refetch().finally(() => setAsked(false));
  };
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2">
      <Badge tone={asked ? "plain" : look.tone} icon={asked ? "dashed" : look.icon}>{asked ? t.integrity.checking : look.text}</Badge>
      <IconButton label={t.integrity.check} size="sm" onClick={check}><RefreshCw className="size-3.5" aria-hidden /></IconButton>
    </span>
  );
}

export function IntegrityBody({ session }: { session: string }) {
  const integrity = useQuery({ ...q.integrity(session), retry: false });
  if (!integrity.data) return integrity.isError ? <>{t.integrity.failedBody}</> : null;
  return <>{LOOKS[integrity.data.verdict].body} {integrity.data.detail ?? ""}</>;
}
