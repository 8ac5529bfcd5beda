import { useNow } from "../hooks/useNow";
import { t } from "../i18n";
import { duration, fullTime, shortTime, utcTime } from "../util/time";

const MINUTE = 60_000;

/** A time in the viewer's zone; UTC when pointed at. */
export function When({ at, seconds = false }: { at: string | null | undefined; seconds?: boolean }) {
  const now = useNow(MINUTE);
  if (!at) return <span className="text-faint">{t.common.never}</span>;
  const date = new Date(at);
  return (
    <time dateTime={at} title={utcTime(date)} className="whitespace-nowrap">
      {seconds ? fullTime(date) : shortTime(date, new Date(now))}
    </time>
  );
}

/** `4 min ago`, and the time itself when pointed at. */
export function Ago({ at }: { at: string | null | undefined }) {
  const now = useNow(10_000);
  if (!at) return <span className="text-faint">{t.common.never}</span>;
  const date = new Date(at);
  const seconds = Math.max(0, (now - date.getTime()) / 1000);
  return (
    <time dateTime={at} title={`${fullTime(date)} · ${utcTime(date)}`} className="whitespace-nowrap">
      {seconds < 45 ? t.common.justNow : t.common.ago(duration(seconds >= 3600 ? Math.floor(seconds / 3600) * 3600 : Math.floor(seconds / 60) * 60 || 60))}
    </time>
  );
}

/** How long is left until `until`, counting down. */
export function Left({ until }: { until: string }) {
  const now = useNow(1000);
  const date = new Date(until);
  const seconds = (date.getTime() - now) / 1000;
  return (
    <time dateTime={until} title={`${fullTime(date)} · ${utcTime(date)}`} className="whitespace-nowrap">
      {seconds <= 0 ? t.common.over : t.common.left(duration(seconds < 120 ? seconds : Math.floor(seconds / 60) * 60))}
    </time>
  );
}

/** How long it has been going on. */
export function Since({ from, until }: { from: string; until?: string | null | undefined }) {
  const now = useNow(1000);
  const end = until ? new Date(until).getTime() : now;
  return <span className="whitespace-nowrap">{duration(Math.max(0, (end - new Date(from).getTime()) / 1000))}</span>;
}
