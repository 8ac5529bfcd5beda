import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { api } from "../../api/client";
import { messageOf } from "../../api/errors";
import type { AlertView, Finding } from "../../api/nouns";
import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { QueryError } from "../../components/QueryError";
import { SeverityBadge } from "../../components/states";
import { Ago, When } from "../../components/When";
import { letGo, useKept } from "../../hooks/useKept";
import { useCan, useWho } from "../../hooks/useWho";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import { Button } from "../../ui/Button";
import { Dialog, DialogActions } from "../../ui/Dialog";
import { TextArea, TextField } from "../../ui/Field";
import { Notice, Skeleton } from "../../ui/feedback";
import { Facts } from "../../ui/Page";
import { pb } from "../../util/path-builder";
import { playTime } from "../../util/time";

const c = t.alerts;
const VERDICTS = ["true", "false", "expected"] as const;
const COMMENT_LEN_MAX = 2000;
/** A recording opens a little before what is to be seen. */
const BEFORE_SECONDS = 2;

/** One alert beside the queue: what was seen, why that is something, and what people make of it. */
export function AlertDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const alert = useQuery(q.alert(id));
  return (
    <Dialog title={alert.data?.title ?? c.one} about={alert.data && alert.data.why !== alert.data.title ? alert.data.why : undefined} onClose={onClose} side>
      {alert.isError && !alert.data ? <QueryError error={alert.error} onRetry={() => void alert.refetch()} /> : null}
      {alert.isPending ? <Skeleton className="h-48 w-full" /> : null}
      {alert.data ? <Shown alert={alert.data} onClose={onClose} /> : null}
    </Dialog>
  );
}

function Shown({ alert, onClose }: { alert: AlertView; onClose: () => void }) {
  const { blocked } = useCan();
  const why = blocked("session:kill", alert.scope);
  const seconds = Math.floor((alert.deed_at ?? 0) / 1000);
  return (
    <>
      <code className="block max-h-48 overflow-auto rounded-md border bg-sunken p-2.5 font-mono text-xs whitespace-pre-wrap text-ink [overflow-wrap:anywhere]" tabIndex={0} aria-label={c.evidence}>{alert.evidence}</code>
      {alert.session ? (
        <p className="mt-2 text-sm">
          <Link to={pb.session(alert.session)} search={{ at: String(Math.max(0, seconds - BEFORE_SECONDS)) }} className="text-accent underline underline-offset-2">{alert.deed_at === null || alert.deed_at === undefined ? c.session : c.watch(playTime(seconds))}</Link>
        </p>
      ) : null}
      <div className="mt-4">
        <Facts
          items={[
            [c.severity, <SeverityBadge key="s" severity={alert.severity as Finding["severity"]} />],
            [c.response, <span key="d">{c.responses[alert.response as keyof typeof c.responses]}{typeof alert.answered_ms === "number" ? <span className="text-muted"> {c.answered(alert.answered_ms)}</span> : null}</span>],
            alert.user ? [c.user, <Mono key="u">{alert.user}</Mono>] : null,
            alert.account ? [c.account, <Mono key="a">{alert.account}</Mono>] : null,
            alert.source ? [c.source, <Mono key="f">{alert.source}</Mono>] : null,
            [c.raised, <span key="r"><When at={alert.raised_at} seconds />{alert.times > 1 ? <span className="text-muted"> {c.again(alert.times)} <Ago at={alert.last_at} /></span> : null}</span>],
            [c.rule, <span key="l"><Link to={pb.alerts()} search={{ tab: "rules", dialog: "rule", item: alert.rule }} className="font-mono text-accent underline underline-offset-2">{alert.rule}</Link> <span className="text-muted">{alert.attack}</span></span>],
            alert.state === "closed" ? [c.state, c.closedAs(alert.closed_by ?? "", c.verdicts[alert.verdict as keyof typeof c.verdicts], alert.comment ?? "")] : null,
          ]}
        />
      </div>
      <Comments of={alert} />
      <Answer alert={alert} why={why} onClose={onClose} />
    </>
  );
}

function Comments({ of: { comments } }: { of: AlertView }) {
  if (comments.length === 0) return null;
  return (
    <ol aria-label={c.comments} className="mt-5 divide-y rounded-md border text-sm">
      {comments.map((each, index) => (
        <li key={index} className="px-3 py-2">
          <p><Mono className="font-medium">{each.author}</Mono> <span className="text-muted"><Ago at={each.at} /></span></p>
          <p className="mt-0.5 whitespace-pre-wrap [overflow-wrap:anywhere]">{each.text}</p>
        </li>
      ))}
    </ol>
  );
}

/** Who looks at it, what is said of it, and what it was. */
function Answer({ alert, why, onClose }: { alert: AlertView; why: string | undefined; onClose: () => void }) {
  const who = useWho();
  const client = useQueryClient();
  const over = alert.state === "closed";
  const [to, setTo] = useKept("to", "");
  const [comment, setComment] = useKept("comment", "");
  const shown = (after: AlertView) => client.setQueryData(q.alert(alert.id).queryKey, after);
  const assign = useMutation({
    meta: { inline: true },
    mutationFn: () => api.alertAssign(alert.id, { to: to.trim() || who.user.name }),
    onSuccess: (after) => {
      shown(after);
      setTo("");
      toast("ok", c.taken(after.assignee ?? ""));
    },
  });
  const say = useMutation({
    meta: { inline: true },
    mutationFn: () => api.alertComment(alert.id, { text: comment.trim() }),
    onSuccess: (after) => {
      shown(after);
      setComment("");
      letGo();
    },
  });
  const done = useMutation({
    meta: { inline: true },
    mutationFn: (verdict: string) => api.alertClose(alert.id, { verdict, comment: comment.trim() }),
    onSuccess: () => {
      toast("ok", c.closed);
      onClose();
    },
  });
  const silent = why ?? (comment.trim() ? undefined : c.commentFirst);
  const error = assign.error ?? say.error ?? done.error;
  return (
    <div className="mt-6 border-t pt-4">
      {error ? <div className="mb-4"><Notice tone="bad" live>{messageOf(error)}</Notice></div> : null}
      {over ? null : (
        <form
          className="mb-4 flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            if (!why && !assign.isPending) assign.mutate();
          }}
        >
          <div className="min-w-0 flex-1"><TextField label={c.assignee} mono spellCheck={false} placeholder={alert.assignee ?? who.user.name} value={to} onChange={(event) => setTo(event.target.value)} /></div>
          <Button type="submit" blocked={why} busy={assign.isPending}>{to.trim() && to.trim() !== who.user.name ? c.give : c.take}</Button>
        </form>
      )}
      <TextArea label={c.comment} hint={c.commentHint} value={comment} onChange={(event) => setComment(event.target.value)} maxLength={COMMENT_LEN_MAX} />
      <DialogActions>
        <Button blocked={silent} busy={say.isPending} onClick={() => say.mutate()}>{c.say}</Button>
        {over ? null : VERDICTS.map((verdict) => <Button key={verdict} blocked={silent} busy={done.isPending} onClick={() => done.mutate(verdict)}>{c.verdicts[verdict]}</Button>)}
      </DialogActions>
    </div>
  );
}
