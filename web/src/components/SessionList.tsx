import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { Query } from "../api/http";
import type { Session } from "../api/nouns";
import { q } from "../api/queries";
import { Skeleton } from "../ui/feedback";
import { Panel } from "../ui/Page";
import { pb } from "../util/path-builder";
import { Mono } from "./Copy";
import { QueryError } from "./QueryError";
import { SessionBadge } from "./states";
import { Ago, Since } from "./When";

/** A few sessions, beside something that they belong to. */
export function SessionList({ query, empty }: { query: Query; empty: string }) {
  const sessions = useQuery(q.sessions(query));
  return <SessionRows sessions={sessions.data?.items} error={sessions.error} onRetry={() => void sessions.refetch()} empty={empty} />;
}

export function SessionRows({ sessions, error, onRetry, empty }: { sessions: Session[] | undefined; error: unknown; onRetry: () => void; empty: string }) {
  return (
    <Panel>
      {error && !sessions ? <QueryError error={error} onRetry={onRetry} /> : null}
      {!error && !sessions ? <div className="p-4"><Skeleton className="w-2/3" /></div> : null}
      {sessions?.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{empty}</p> : null}
      <ul>
        {sessions?.map((session) => (
          <li key={session.id} className="relative flex items-center gap-3 border-b px-4 py-2 text-sm last:border-b-0 hover:bg-hover">
            <Link to={pb.session(session.id)} className="min-w-0 flex-1 truncate after:absolute after:inset-0"><Mono className="font-medium">{session.account}</Mono></Link>
            <span className="text-xs text-muted"><Since from={session.started_at} until={session.ended_at} /></span>
            <span className="w-24 text-right text-xs text-muted"><Ago at={session.started_at} /></span>
            <span className="w-16 text-right"><SessionBadge state={session.state} /></span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
