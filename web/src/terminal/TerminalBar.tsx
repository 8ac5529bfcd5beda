import { Link, useNavigate } from "@tanstack/react-router";
import { Accessibility, Film, FolderOpen, Info, Maximize, MoreHorizontal, Power } from "lucide-react";

import { Mono } from "../components/Copy";
import { Left } from "../components/When";
import { t } from "../i18n";
import { Badge } from "../ui/Badge";
import { Button, IconButton } from "../ui/Button";
import { Menu } from "../ui/Menu";
import { pb } from "../util/path-builder";
import type { LineState } from "./line";
import type { Term } from "./term";
import { useTermStatus } from "./TerminalView";

export function LineBadge({ state }: { state: LineState }) {
  const text = t.terminal.states[state];
  switch (state) {
    case "open": return <Badge tone="live">{text}</Badge>;
    case "connecting": return <Badge tone="info" icon="dashed">{text}</Badge>;
    case "lost": return <Badge tone="warn" icon="alert">{text}</Badge>;
    case "detached": case "over": case "gone": case "signed-out": return <Badge tone="plain" icon="minus">{text}</Badge>;
  }
}

interface Props {
  term: Term;
  filesShown: boolean;
  onFiles: () => void;
  /** Why files cannot be moved in this session. */
  filesBlocked: string | undefined;
  onFullScreen: () => void;
  onEnd: () => void;
}

/** What is to be known and done about a terminal. */
export function TerminalBar({ term, filesShown, onFiles, filesBlocked, onFullScreen, onEnd }: Props) {
  const navigate = useNavigate();
  const status = useTermStatus(term);
  const isOver = status.ended !== undefined;
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b bg-surface px-3 py-1.5 text-sm">
      <LineBadge state={status.state} />
      <Mono className="min-w-0 truncate font-medium">{term.opened.account}</Mono>
      {isOver ? null : <span className="text-xs text-muted max-sm:hidden"><Left until={status.until} /></span>}
      {status.watchers.map((watcher, index) => (
        <Badge key={index} tone={watcher.control ? "warn" : "info"} icon={watcher.control ? "alert" : "dot"}>{watcher.control ? t.terminal.controls(watcher.user) : t.terminal.watches(watcher.user)}</Badge>
      ))}
      {status.pausedBy ? <Badge tone="warn" icon="wait">{t.terminal.pausedBy(status.pausedBy)}</Badge> : null}
      <span className="flex-1" />
      <span className="hidden text-2xs text-faint xl:inline">{t.terminal.leaveHint}</span>
      <Button size="sm" icon={<FolderOpen className="size-4" aria-hidden />} blocked={isOver ? t.can.notLive : filesBlocked} aria-pressed={filesShown} onClick={onFiles}>{t.files.title}</Button>
      <IconButton size="sm" label={t.player.fullscreen} onClick={onFullScreen}><Maximize className="size-4" aria-hidden /></IconButton>
      <Button size="sm" look="danger" icon={<Power className="size-4" aria-hidden />} onClick={onEnd}>{isOver ? t.terminal.close : t.terminal.end}</Button>
      <Menu
        label={t.actions.more}
        trigger={<IconButton size="sm" label={t.actions.more}><MoreHorizontal className="size-4" aria-hidden /></IconButton>}
        items={[
          { label: t.terminal.toSession, icon: <Film />, onSelect: () => void navigate({ to: pb.session(term.opened.session) }) },
          { label: status.isFollowedByScreenReader ? t.terminal.readerOff : t.terminal.readerOn, icon: <Accessibility />, onSelect: () => term.followByScreenReader(!status.isFollowedByScreenReader) },
        ]}
      />
    </div>
  );
}

/** What the gate said in the terminal, and what became of its line. */
export function TerminalNotices({ term, onAgain, onClose }: { term: Term; onAgain: () => void; onClose: () => void }) {
  const status = useTermStatus(term);
  const over = overText(status.state, status.ended?.message);
  return (
    <div aria-live="polite" className="no-print">
      {status.notices.map((notice) => (
        <div key={notice.id} className="flex items-center gap-3 border-t bg-info-soft px-3 py-2 text-sm text-info">
          <Info className="size-4 shrink-0" aria-hidden />
          <p className="min-w-0 flex-1 text-ink">{notice.text}</p>
          <Button size="sm" look="quiet" onClick={() => term.dismissNotice(notice.id)}>{t.actions.dismiss}</Button>
        </div>
      ))}
      {over ? (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2 border-t bg-surface px-3 py-2.5 text-sm">
          <p className="min-w-0 flex-1 basis-60">{over}</p>
          {status.state === "detached" ? <Button size="sm" look="primary" onClick={() => term.takeBack()}>{t.terminal.takeBack}</Button> : (
            <>
              <Link to={pb.session(term.opened.session)} className="text-sm text-accent underline underline-offset-2">{t.terminal.toSession}</Link>
              <Button size="sm" onClick={onClose}>{t.terminal.close}</Button>
              <Button size="sm" look="primary" onClick={onAgain}>{t.terminal.again}</Button>
            </>
          )}
        </div>
      ) : null}
    </div>
  );
}

function overText(state: LineState, message: string | undefined): string | undefined {
  if (state === "over") return message ?? t.terminal.over;
  if (state === "detached") return t.terminal.detached;
  if (state === "gone") return t.terminal.gone;
  if (state === "signed-out") return t.terminal.signedOut;
  return undefined;
}
