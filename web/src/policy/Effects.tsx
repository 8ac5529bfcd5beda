import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { DraftPolicy } from "../api/client";
import type { DraftDiff, Simulated } from "../api/nouns";
import { q } from "../api/queries";
import { Mono } from "../components/Copy";
import { QueryError } from "../components/QueryError";
import { Ago } from "../components/When";
import { t } from "../i18n";
import { Badge } from "../ui/Badge";
import { Button } from "../ui/Button";
import { Notice, Skeleton } from "../ui/feedback";
import { Panel, Section } from "../ui/Page";
import { few } from "./few";

const e = t.policies.effects;
const NAMED_MAX = 12;
const SHOWN_MAX = 50;

/** For whom what is drafted changes what, and what it would have answered to the requests of the past. */
export function Effects({ draft }: { draft: DraftPolicy }) {
  const diff = useQuery(q.policyDiff(draft));
  // Asked for once, it is asked of each later text too.
  const [asked, setAsked] = useState(false);
  const simulated = useQuery({ ...q.policySimulate(draft), enabled: asked });
  return (
    <Section title={e.title} aside={asked ? undefined : <Button size="sm" onClick={() => setAsked(true)}>{e.simulate}</Button>}>
      {diff.isError ? <Panel><QueryError error={diff.error} onRetry={() => void diff.refetch()} /></Panel> : null}
      {diff.isLoading ? <Skeleton className="h-16 w-full" /> : null}
      {diff.data ? <Diff diff={diff.data} /> : null}
      {simulated.isError ? <Panel className="mt-3"><QueryError error={simulated.error} onRetry={() => void simulated.refetch()} /></Panel> : null}
      {asked && simulated.isLoading ? <Skeleton className="mt-3 h-16 w-full" /> : null}
      {simulated.data ? <Past simulated={simulated.data} /> : null}
    </Section>
  );
}

/** Block by block: which people, on which accounts, can do more or less. */
export function Diff({ diff }: { diff: DraftDiff }) {
  if (diff.blocks.length === 0) return <Notice tone={diff.widens ? "warn" : "ok"}>{diff.widens ? e.widensLater : e.nothing}</Notice>;
  return (
    <>
      {diff.widens ? <div className="mb-3"><Notice tone="warn">{e.widens(diff.people_widened)}</Notice></div> : null}
      <Panel>
        <ul aria-label={e.title} className="divide-y">
          {diff.blocks.slice(0, SHOWN_MAX).map((block) => (
            <li key={`${block.people.join(" ")} ${block.accounts.join(" ")}`} className="px-4 py-2.5 text-sm">
              <p className="flex flex-wrap items-center gap-2">{block.widened ? <Badge tone="warn" icon="alert">{e.more}</Badge> : null}{block.narrowed ? <Badge tone="info" icon="minus">{e.less}</Badge> : null}<Mono className="min-w-0 font-medium [overflow-wrap:anywhere]">{few(block.people, NAMED_MAX)}</Mono></p>
              <Mono className="mt-1 block text-xs text-muted [overflow-wrap:anywhere]">{few(block.accounts, NAMED_MAX)}</Mono>
            </li>
          ))}
        </ul>
        {diff.blocks.length > SHOWN_MAX ? <p className="border-t px-4 py-2 text-xs text-muted">{t.reviews.more(diff.blocks.length - SHOWN_MAX)}</p> : null}
      </Panel>
    </>
  );
}

function Past({ simulated: { days, requests, gone, changed } }: { simulated: Simulated }) {
  return (
    <div className="mt-3">
      <p className="mb-2 text-sm">{e.past(requests, days, changed.length)}{gone > 0 ? ` ${e.gone(gone)}` : ""}</p>
      {changed.length > 0 ? (
        <Panel>
          <ul aria-label={e.pastTitle} className="divide-y">
            {changed.slice(0, SHOWN_MAX).map((each) => (
              <li key={`${each.at} ${each.user} ${each.account}`} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 text-sm">
                <Badge tone={each.change === "refused" || each.change === "more_approval" ? "info" : "warn"} icon={each.change === "refused" ? "ban" : "dot"}>{e.changes[each.change]}</Badge>
                <Mono className="font-medium">{each.user}</Mono><Mono>{each.account}</Mono><span className="text-xs text-muted"><Ago at={each.at} /></span>
                {each.messages.length > 0 ? <span className="w-full text-xs text-muted [overflow-wrap:anywhere]">{each.messages.join("; ")}</span> : null}
              </li>
            ))}
          </ul>
        </Panel>
      ) : null}
    </div>
  );
}
