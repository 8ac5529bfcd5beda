import { useMutation, useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { ClipboardCheck, Download } from "lucide-react";
import { createContext, use, useState } from "react";
import type { KeyboardEvent } from "react";

import { addresses, api } from "../../api/client";
import type { Review, ReviewItem } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { Crumb } from "../../components/Crumb";
import { QueryError } from "../../components/QueryError";
import { ReasonDialog } from "../../components/ReasonDialog";
import { AdviceBadge, DecisionBadge, ReviewBadge, SeverityBadge } from "../../components/states";
import { Ago, Left, When } from "../../components/When";
import { useDialog, useFilter } from "../../hooks/useUrlState";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import type { Column } from "../../table/DataTable";
import { DataTable, EmptyList } from "../../table/DataTable";
import { Choice, Filters, SearchBox, SelectFilter } from "../../table/Filters";
import { Pager, sizeOf } from "../../table/Pager";
import { Button } from "../../ui/Button";
import { Notice, Skeleton } from "../../ui/feedback";
import { Facts, Page, Panel } from "../../ui/Page";
import { buttonClass } from "../../ui/Press";
import { pb } from "../../util/path-builder";
import { duration } from "../../util/time";

const r = t.reviews;
const DECISIONS = ["keep", "reduce", "revoke"] as const satisfies ReviewItem["advice"][];
const KINDS = ["policy_user", "policy_group", "policy_attributes", "policy_workload", "attribute", "membership", "role", "grant"] as const satisfies ReviewItem["kind"][];
const AT_ONCE_MAX = 500;
const NAMED_MAX = 5;

const attributesOf = (item: ReviewItem) => Object.entries(item.attributes ?? {}).map(([name, value]) => `${name}=${value}`).join(", ");
const holderOf = (item: ReviewItem) => item.user ?? item.group ?? (item.kind === "policy_workload" ? t.policies.words.allWorkloads : attributesOf(item));
const rightOf = (item: ReviewItem) => (item.role ? `${item.role.role} · ${item.role.scope}` : item.kind === "membership" ? (item.group ?? "") : item.kind === "attribute" ? attributesOf(item) : (item.policy ?? item.grant ?? ""));

export function ReviewPage() {
  const { id = "" } = useParams({ strict: false });
  const review = useQuery(q.review(id));
  const above = <Crumb to={pb.reviews()} text={r.title} />;
  if (review.isError && !review.data) return <Page title={id} above={above}><Panel><QueryError error={review.error} onRetry={() => void review.refetch()} /></Panel></Page>;
  if (!review.data) return <Page title={r.title} above={above}><Skeleton className="h-64 w-full" /></Page>;
  return <Shown review={review.data} />;
}

function Shown({ review }: { review: Review }) {
  const { blocked } = useCan();
  const { dialog, open, close } = useDialog();
  const over = review.state === "closed";
  const { counts } = review;
  const write = blocked("review:write", review.scope);
  return (
    <Page
      name={review.name}
      above={<Crumb to={pb.reviews()} text={r.title} />}
      title={review.name}
      lead={<span className="flex flex-wrap items-center gap-3"><ReviewBadge state={review.state} /><Mono>{review.scope}</Mono><span>{over ? <When at={review.closed_at} /> : <Left until={review.due_at} />}</span><span>{r.unansweredIs[review.plan.unanswered]}</span></span>}
      actions={
        <>
          {over && !blocked("review:read", review.scope) ? (["json", "csv", "note"] as const).map((part) => <a key={part} href={addresses.reviewEvidence(review.id, part)} download className={buttonClass()}><Download className="size-4" aria-hidden />{r.evidenceParts[part]}</a>) : null}
          {review.next_at ? <Button blocked={write} onClick={() => open("stop")}>{r.stop}</Button> : null}
          {over ? null : <Button look="danger" blocked={write} onClick={() => open("close")}>{r.close}</Button>}
        </>
      }
    >
      <div className="mb-5 rounded-lg border bg-surface px-4 py-3">
        <Facts columns items={[
          [r.progress, r.answered(counts.items - counts.waiting, counts.items)],
          [r.outcome, `${counts.kept} · ${counts.reduced} · ${counts.revoked}`],
          [r.counts.failed, counts.failed],
          [r.counts.unanswered, counts.unanswered],
          [r.author, <Mono key="author">{review.author}</Mono>],
          [r.started, <Ago key="started" at={review.started_at} />],
          review.next_at ? [r.again, <When key="next" at={review.next_at} />] : null,
        ]} />
      </div>
      <Paces review={review} />
      <Items review={review} />
      {dialog === "close" ? <Close review={review} onClose={close} /> : null}
      {dialog === "stop" ? <Stop review={review} onClose={close} /> : null}
    </Page>
  );
}

/** How everybody went about it; who cannot have looked stands out. */
function Paces({ review }: { review: Review }) {
  if (review.paces.length === 0) return null;
  const stamped = review.paces.some((pace) => pace.rubber_stamped);
  const said = (
    <ul className="space-y-0.5">
      {review.paces.map((pace) => (
        <li key={pace.user}><Mono className="font-medium">{pace.user}</Mono> {r.pace(pace.answers, pace.kept, duration(pace.seconds))}{pace.rubber_stamped ? <strong className="font-semibold"> · {r.stamped}</strong> : null}</li>
      ))}
    </ul>
  );
  return <div className="mb-5"><Notice tone={stamped ? "warn" : "info"} title={stamped ? r.stampedTitle : r.paces}>{said}</Notice></div>;
}

/** Why somebody cannot decide so about what is chosen. */
function whyNot(review: Review, chosen: ReviewItem[], decision: ReviewItem["advice"], user: string): string | undefined {
  if (review.state === "closed") return r.notNow;
  if (chosen.length === 0) return r.nothingChosen;
  if (chosen.length > AT_ONCE_MAX) return r.tooMany;
  if (chosen.some((item) => item.user === user)) return r.ownRight;
  if (chosen.some((item) => item.decision && item.decision !== "keep")) return r.doneAlready;
  if (decision === "reduce" && chosen.some((item) => !item.reducible)) return r.notReducible;
  return undefined;
}

const Chosen = createContext<{ chosen: Map<number, ReviewItem>; choose: (item: ReviewItem) => void }>({ chosen: new Map(), choose: () => {} });

/** The box of one right. */
function Choose({ item }: { item: ReviewItem }) {
  const { chosen, choose } = use(Chosen);
  return <input type="checkbox" data-choose className="relative z-10 block size-4 accent-accent" aria-label={r.choose(holderOf(item), rightOf(item))} checked={chosen.has(item.number)} onChange={() => choose(item)} />;
}

// The same for as long as the page is open: cells that are made anew would lose the focus.
const COLUMNS: Column<ReviewItem>[] = [
  { id: "choose", header: r.chooseAll, quiet: true, narrow: "aside", width: "2.5rem", cell: (row) => <Choose item={row} /> },
  { id: "holder", header: r.who, sort: "holder", narrow: "title", cell: (row) => <Mono className="font-medium">{holderOf(row)}</Mono> },
  { id: "right", header: r.what, cell: (row) => <span className="block"><span className="text-muted">{r.kinds[row.kind]}</span> <Mono>{rightOf(row)}</Mono>{row.facts.policies.length > 0 ? <span className="block text-xs text-muted">{row.facts.policies.join(", ")}</span> : null}</span> },
  { id: "access", header: r.reaches, narrow: "hide", cell: (row) => <span className="text-muted">{row.facts.access ? `${r.accounts(row.facts.accounts)}, ${row.facts.access === "standing" ? r.standing : r.asking}` : ""}</span> },
  { id: "used", header: r.used, sort: "last_used_at", cell: (row) => <span>{row.facts.last_used_at ? <Ago at={row.facts.last_used_at} /> : <span className="text-muted">{r.never}</span>}{row.facts.uses > 0 ? <span className="block text-xs text-muted">{r.uses(row.facts.uses)}</span> : null}</span> },
  { id: "findings", header: r.findings, narrow: "hide", cell: (row) => (row.facts.worst ? <SeverityBadge severity={row.facts.worst} /> : null) },
  { id: "peers", header: r.peers, cell: (row) => (row.facts.peers > 0 && (row.user || row.kind.startsWith("policy_")) ? <span className="whitespace-nowrap text-muted">{row.user ? r.peersWith(row.facts.peers_with, row.facts.peers) : r.membersUsed(row.facts.peers_with, row.facts.peers)}</span> : null) },
  { id: "advice", header: r.advice, cell: (row) => <span className="block py-0.5"><AdviceBadge advice={row.advice} /><span className="mt-0.5 line-clamp-2 block max-w-[34ch] text-xs text-muted" title={row.reasons.join("; ")}>{row.reasons[0]}</span></span> },
  { id: "decision", header: r.decision, width: "9rem", cell: (row) => <span title={[row.reason, row.effect_detail].filter(Boolean).join(" · ")}><DecisionBadge item={row} />{row.decided_by ? <Mono className="block text-muted">{row.decided_by}</Mono> : null}</span> },
];

function Items({ review }: { review: Review }) {
  const who = useWho();
  const { search, filter } = useFilter();
  const { can } = useCan();
  const { dialog, open, close } = useDialog();
  const [chosen, setChosen] = useState<Map<number, ReviewItem>>(new Map());
  const reads = can("review:read") || can("review:write");
  const { users, groups } = review.plan.reviewers;
  const named = users.includes(who.user.name) || groups.some((group) => who.user.groups.includes(group));
  const fallback = named || !reads ? "mine" : "all";
  const whose = search.whose ?? fallback;
  const items = useQuery(q.reviewItems(review.id, { state: search.state, kind: search.kind, advice: search.advice, q: search.q, cursor: search.cursor, limit: sizeOf(search), sort: search.sort, count: true, mine: whose === "mine" || undefined }));
  const rows = items.data?.items ?? [];
  const list = [...chosen.values()];
  const why = (decision: ReviewItem["advice"]) => whyNot(review, list, decision, who.user.name);
  const choose = (item: ReviewItem) => setChosen((before) => {
    const next = new Map(before);
    if (!next.delete(item.number)) next.set(item.number, item);
    return next;
  });
  const chooseAll = () => setChosen((before) => (rows.every((row) => before.has(row.number)) ? new Map() : new Map(rows.map((row) => [row.number, row]))));
  const ask = (decision: ReviewItem["advice"]) => { if (!why(decision)) open(decision); };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    const decision = { 1: DECISIONS[0], 2: DECISIONS[1], 3: DECISIONS[2] }[event.key];
    if (step) move(event.currentTarget, step);
    else if (event.key === "a") chooseAll();
    else if (decision) ask(decision);
    else return;
    event.preventDefault();
  };
  const decision = DECISIONS.find((each) => each === dialog);
  return (
    <>
      <Filters>
        <SearchBox label={r.search} />
        {reads ? <Choice name="whose" label={r.whose} fallback={fallback} options={[["mine", r.mine], ["all", r.everything]]} /> : null}
        <SelectFilter name="state" label={r.decision} options={(Object.keys(r.itemStates) as (keyof typeof r.itemStates)[]).map((state) => [state, r.itemStates[state]])} />
        <SelectFilter name="kind" label={r.kind} options={KINDS.map((kind) => [kind, r.kinds[kind]])} />
        <SelectFilter name="advice" label={r.advice} options={DECISIONS.map((each) => [each, r.decisions[each]])} />
      </Filters>
      <div className="sticky top-0 z-20 mb-3 flex flex-wrap items-center gap-2 bg-canvas py-2 max-lg:top-12" role="toolbar" aria-label={r.decision}>
        <Button size="sm" onClick={chooseAll}>{r.chooseAll}</Button>
        {DECISIONS.map((each) => <Button key={each} size="sm" look={each === "revoke" ? "danger" : "secondary"} blocked={why(each)} onClick={() => open(each)}>{r.decide[each]}</Button>)}
        <span className="text-sm text-muted" aria-live="polite">{r.chosen(list.length)}</span>
        {list.length > 0 ? <Button size="sm" look="quiet" onClick={() => setChosen(new Map())}>{r.none_chosen}</Button> : null}
      </div>
      <div onKeyDown={onKeyDown} role="group" aria-label={r.keys}>
        <Chosen value={{ chosen, choose }}><DataTable label={r.counts.items} query={items} columns={COLUMNS} rowKey={(row) => String(row.number)} empty={<EmptyList icon={<ClipboardCheck />} filtered={Boolean(search.q ?? search.state ?? search.kind ?? search.advice)} onClear={() => filter({ q: undefined, state: undefined, kind: undefined, advice: undefined })} title={r.noItems} />} /></Chosen>
      </div>
      <p className="mt-2 text-xs text-muted max-md:hidden">{r.keys}</p>
      <Pager next={items.data?.next} total={items.data?.total} />
      {decision && list.length > 0 ? <Decide review={review} items={list} decision={decision} onDone={() => setChosen(new Map())} onClose={close} /> : null}
    </>
  );
}

/** Moves the focus to the choice of the next row, or of the one before. */
function move(frame: HTMLElement, step: number) {
  const boxes = [...frame.querySelectorAll<HTMLInputElement>("input[data-choose]")];
  const at = boxes.findIndex((box) => box === document.activeElement);
  const next = boxes[at < 0 ? 0 : at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function Decide({ review, items, decision, onDone, onClose }: { review: Review; items: ReviewItem[]; decision: ReviewItem["advice"]; onDone: () => void; onClose: () => void }) {
  const decide = useMutation({
    meta: { inline: true },
    mutationFn: (reason: string) => api.reviewDecide(review.id, { items: items.map((item) => item.number), decision, reason }),
    onSuccess: (answered) => {
      const failed = answered.items.filter((item) => item.effect === "failed").length;
      toast(failed > 0 ? "bad" : "ok", failed > 0 ? r.someFailed(failed) : r.decided);
      onDone();
      onClose();
    },
  });
  return (
    <ReasonDialog title={r.decideTitle[decision](items.length)} about={r.decideBody[decision]} label={r.reason} hint={r.reasonHint} needed danger={decision === "revoke"} submit={r.decide[decision]} busy={decide.isPending} error={decide.error} onSubmit={(reason) => decide.mutate(reason)} onClose={onClose}>
      <ul className="mb-4 border-l-2 border-line-strong pl-3 text-sm">
        {items.slice(0, NAMED_MAX).map((item) => <li key={item.number} className="[overflow-wrap:anywhere]"><Mono className="font-medium">{holderOf(item)}</Mono> <span className="text-muted">{r.kinds[item.kind]}</span> <Mono>{rightOf(item)}</Mono></li>)}
        {items.length > NAMED_MAX ? <li className="text-muted">{r.more(items.length - NAMED_MAX)}</li> : null}
      </ul>
    </ReasonDialog>
  );
}

function Close({ review, onClose }: { review: Review; onClose: () => void }) {
  const end = useMutation({ meta: { inline: true }, mutationFn: () => api.reviewClose(review.id), onSuccess: () => { toast("ok", r.closed); onClose(); } });
  return <ReasonDialog title={r.closeTitle} about={r.closeBody[review.plan.unanswered](review.counts.waiting)} submit={r.close} danger busy={end.isPending} error={end.error} onSubmit={() => end.mutate()} onClose={onClose} />;
}

function Stop({ review, onClose }: { review: Review; onClose: () => void }) {
  const stop = useMutation({ meta: { inline: true }, mutationFn: () => api.reviewStop(review.id), onSuccess: () => { toast("ok", r.stopped); onClose(); } });
  return <ReasonDialog title={r.stop} submit={r.stop} busy={stop.isPending} error={stop.error} onSubmit={() => stop.mutate()} onClose={onClose} />;
}
