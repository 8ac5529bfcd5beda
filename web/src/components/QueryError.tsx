import { CircleOff, CloudOff, Lock, Vault } from "lucide-react";

import { asApiError, messageOf } from "../api/errors";
import { t } from "../i18n/first";
import { Press } from "../ui/Press";
import { Blank } from "../ui/feedback";

/** What the server says, which begins small and ends open, as people write it. */
const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** Stands where something could not be loaded, and says what can be done. */
export function QueryError({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const known = asApiError(error);
  if (known.status === 403) return <Blank icon={<Lock />} title={t.errors.forbidden}>{sentence(messageOf(known))}</Blank>;
  if (known.status === 404) return <Blank icon={<CircleOff />} title={t.errors.notFound}>{t.errors.notFoundBody}</Blank>;
  if (known.code === "sealed") return <Blank icon={<Vault />} title={t.errors.sealed}>{t.errors.sealedBody}</Blank>;
  return (
    <Blank icon={<CloudOff />} title={t.errors.title} actions={<Press onClick={onRetry}>{t.actions.retry}</Press>}>
      <span role="alert">{messageOf(known)}</span>
    </Blank>
  );
}
