import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { q } from "../api/queries";
import { t } from "../i18n";
import { Skeleton } from "../ui/feedback";
import { Panel, Section } from "../ui/Page";
import { pb } from "../util/path-builder";
import { AccessBadge } from "./AccessAction";
import { Mono } from "./Copy";
import { QueryError } from "./QueryError";

/** What somebody can reach or ask for, as the server decides at this moment. */
export function UserReach({ name }: { name: string }) {
  const reach = useQuery(q.userReach(name));
  return (
    <Section title={t.users.reach}>
      <Panel>
        {reach.isError ? <QueryError error={reach.error} onRetry={() => void reach.refetch()} /> : null}
        {reach.isLoading ? <Skeleton className="h-24 w-full" /> : null}
        {reach.data?.items.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{t.users.reachNone}</p> : null}
        <ul aria-label={t.users.reach} className="max-h-96 overflow-y-auto" tabIndex={0}>
          {(reach.data?.items ?? []).map((item) => (
            <li key={item.account} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-2 text-sm last:border-b-0">
              <Mono className="min-w-0 flex-1 truncate font-medium">{item.account}</Mono>
              <Link to={pb.policy(item.policy)} search={{ account: item.account, user: name }} className="text-xs text-muted hover:underline"><Mono>{item.policy}</Mono></Link>
              <AccessBadge state={item.state} />
            </li>
          ))}
        </ul>
        {reach.data?.next ? <p className="border-t px-4 py-2 text-xs text-muted">{t.users.reachMore}</p> : null}
      </Panel>
    </Section>
  );
}
