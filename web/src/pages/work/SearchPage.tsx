import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useState } from "react";

import { api } from "../../api/client";
import { ApiError } from "../../api/errors";
import type { SearchFound, SearchHit, SearchResult } from "../../api/nouns";
import { Mono } from "../../components/Copy";
import { QueryError } from "../../components/QueryError";
import { SessionBadge } from "../../components/states";
import { When } from "../../components/When";
import { useUrlState } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import { Tag } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Blank, Skeleton } from "../../ui/feedback";
import { Page, Panel } from "../../ui/Page";
import { pb } from "../../util/path-builder";
import { playTime } from "../../util/time";

const s = t.search;

/** Search over everything recorded: each moment that is found opens the recording there. */
export function SearchPage() {
  const { search, set } = useUrlState();
  const asked = search.q ?? "";
  const found = useInfiniteQuery({
    queryKey: ["recording", "search", asked],
    queryFn: ({ pageParam, signal }) => api.search({ q: asked, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: SearchFound) => last.next ?? undefined,
    enabled: asked !== "",
    // Each look is written down: none is made that nobody asked for.
    retry: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
  const first = found.data?.pages[0];
  const items = found.data?.pages.flatMap((page) => page.items) ?? [];
  const refusal = found.error instanceof ApiError ? found.error : undefined;
  const wrong = refusal && refusal.status < 500 && refusal.status !== 401 ? refusal.message : undefined;
  return (
    <Page title={s.title} lead={s.lead}>
      <SearchForm key={asked} asked={asked} wrong={wrong} onAsk={(q) => set({ q: q || undefined })} />
      {asked === "" ? <Examples /> : null}
      {found.isError && wrong === undefined ? <Panel><QueryError error={found.error} onRetry={() => void found.refetch()} /></Panel> : null}
      {found.isLoading ? <div className="space-y-3"><Skeleton className="h-20 w-full" /><Skeleton className="h-20 w-full" /></div> : null}
      {first ? (
        <div className="grid gap-6 lg:grid-cols-[1fr_14rem]">
          <div className="min-w-0">
            <p className="mb-2 text-sm text-muted" aria-live="polite">{s.count(first.total, first.more)}{first.behind > 0 ? ` · ${s.behind(first.behind)}` : ""}</p>
            {items.length === 0 && !found.hasNextPage ? <Panel><Blank icon={<Search />} title={s.none}>{s.noneBody}</Blank></Panel> : null}
            <ol className="space-y-3">{items.map((item) => <li key={item.session.id}><Found item={item} /></li>)}</ol>
            {found.hasNextPage && found.data?.pages.at(-1)?.stopped ? <p className="mt-4 text-sm text-muted" role="status">{s.stopped}</p> : null}
            {found.hasNextPage ? <Button className="mt-4" busy={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>{s.next}</Button> : null}
          </div>
          {first.total > 0 ? <Facets found={first} asked={asked} onAsk={(q) => set({ q })} /> : null}
        </div>
      ) : null}
    </Page>
  );
}

function SearchForm({ asked, wrong, onAsk }: { asked: string; wrong: string | undefined; onAsk: (q: string) => void }) {
  const [text, setText] = useState(asked);
  return (
    <form role="search" className="mb-5 max-w-4xl" onSubmit={(event) => { event.preventDefault(); onAsk(text.trim()); }}>
      <div className="flex gap-2">
        <div className="relative min-w-0 flex-1">
          <Search className="pointer-events-none absolute top-2.5 left-3 size-4 text-muted" aria-hidden />
          <input type="search" autoFocus={asked === ""} aria-label={s.label} aria-invalid={wrong !== undefined} aria-describedby={wrong ? "search-wrong" : undefined} placeholder='file:/etc/shadow "permission denied" user:ada since:7d' value={text} onChange={(event) => setText(event.target.value)} className="h-9 w-full rounded-md border border-line-strong/60 bg-surface pr-3 pl-9 font-mono text-sm hover:border-line-strong" />
        </div>
        <Button look="primary" type="submit" className="h-9">{s.go}</Button>
      </div>
      {wrong ? <p id="search-wrong" role="alert" className="mt-2 text-sm text-bad">{wrong}</p> : null}
    </form>
  );
}

function Examples() {
  return (
    <Panel className="max-w-4xl px-5 py-4">
      <h2 className="text-sm font-semibold text-ink">{s.blank}</h2>
      <p className="mt-0.5 text-sm text-muted">{s.blankBody}</p>
      <ul className="mt-3 space-y-1.5">
        {s.examples.map(([query, what]) => (
          <li key={query} className="flex flex-wrap items-baseline gap-x-3 text-sm">
            <Link to={pb.search()} search={{ q: query }} className="font-mono text-accent underline underline-offset-2">{query}</Link>
            <span className="text-muted">{what}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Found({ item: { session, hits } }: { item: SearchResult }) {
  return (
    <Panel className="overflow-hidden">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-2 text-sm">
        <Link to={pb.session(session.id)} className="font-medium text-ink hover:underline"><Mono>{session.user}</Mono> → <Mono>{session.account}</Mono></Link>
        <Tag>{session.protocol}</Tag>
        <span className="text-muted"><When at={session.started_at} /></span>
        {session.state === "ended" ? null : <SessionBadge state={session.state} />}
      </div>
      {hits.length > 0 ? <ol className="py-1">{hits.map((hit, index) => <li key={index}><Hit session={session.id} hit={hit} /></li>)}</ol> : null}
    </Panel>
  );
}

function Hit({ session, hit }: { session: string; hit: SearchHit }) {
  return (
    <Link to={pb.session(session)} search={{ at: String(Math.floor(hit.at_ms / 1000)) }} className="flex items-baseline gap-3 px-4 py-1 hover:bg-hover focus-visible:outline-offset-[-2px]">
      <span className="w-12 shrink-0 font-mono text-2xs text-muted">{playTime(hit.at_ms / 1000)}</span>
      <span className="w-18 shrink-0 text-xs text-muted">{s.kinds[hit.kind] ?? hit.kind}</span>
      <span className="min-w-0 flex-1 font-mono text-xs text-ink [overflow-wrap:anywhere]">
        {hit.parts.map((part, index) => (part.found ? <mark key={index} className="rounded-[2px] bg-warn-soft text-ink">{part.text}</mark> : <span key={index}>{part.text}</span>))}
      </span>
    </Link>
  );
}

const FIELD = { users: "user", assets: "asset", protocols: "protocol" } as const;

/** What the sessions have in common; a name narrows the search to it, or takes it away again. */
function Facets({ found, asked, onAsk }: { found: SearchFound; asked: string; onAsk: (q: string) => void }) {
  return (
    <aside className="space-y-5 text-sm">
      {(["users", "assets", "protocols"] as const).map((facet) => (
        <section key={facet}>
          <h2 className="mb-1 text-xs text-muted">{s.facets[facet]}</h2>
          <ul>
            {found.facets[facet].map(({ name, count }) => {
              const part = `${FIELD[facet]}:${name}`;
              const chosen = asked.split(/\s+/).includes(part);
              const next = chosen ? asked.split(/\s+/).filter((each) => each !== part).join(" ") : `${asked} ${part}`;
              return (
                <li key={name}>
                  <button type="button" aria-pressed={chosen} disabled={next === ""} onClick={() => onAsk(next)} className="flex w-full items-baseline justify-between gap-3 rounded-sm px-1.5 py-0.5 text-left hover:bg-hover aria-pressed:bg-accent-soft">
                    <Mono className="min-w-0 truncate">{name}</Mono>
                    <span className="text-xs text-muted tabular-nums">{count.toLocaleString()}</span>
                  </button>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
    </aside>
  );
}
