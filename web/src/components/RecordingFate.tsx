import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { q } from "../api/queries";
import { useCan } from "../hooks/useWho";
import { t } from "../i18n";
import { Badge } from "../ui/Badge";
import { pb } from "../util/path-builder";
import { When } from "./When";

/** Until when a session's recording is kept, and how to keep it longer. */
export function RecordingFate({ session, scope }: { session: string; scope: string }) {
  const { blocked } = useCan();
  const { data } = useQuery({ ...q.recordingFate(session), retry: false });
  if (!data || data.state === "none") return <>{t.common.none}</>;
  if (data.state === "pruned") return <Badge tone="plain" icon="clock">{t.integrity.pruned}</Badge>;
  const held = data.fate === "held";
  return (
    <span className="inline-flex flex-wrap items-center gap-x-3">
      {held ? <span title={t.holds.heldBody}><Badge tone="ok" icon="check">{t.holds.held}</Badge></span> : null}
      {data.fate === "until" ? <When at={data.until} /> : null}
      {data.fate === "due" ? <When at={data.since} /> : null}
      {data.fate === "forever" ? t.holds.keeps("forever") : null}
      {held || blocked("hold:write", scope) ? null : <Link to={pb.holds()} search={{ dialog: "place", item: session }} className="text-accent underline underline-offset-2">{t.holds.hold}</Link>}
    </span>
  );
}
