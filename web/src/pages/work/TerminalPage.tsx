import { useNavigate, useParams } from "@tanstack/react-router";
import { Plus, SquareTerminal } from "lucide-react";
import { useEffect, useRef } from "react";

import type { TerminalOpened } from "../../api/nouns";
import { OpenTerminal } from "../../forms/terminal-open";
import { useOpenTerminal } from "../../hooks/useOpenTerminal";
import { useDialog, useUrlState } from "../../hooks/useUrlState";
import { t } from "../../i18n";
import { useTerminals } from "../../stores/terminals";
import { FilesPanel } from "../../terminal/FilesPanel";
import { closeTerm, termOf } from "../../terminal/term";
import { TerminalBar, TerminalNotices } from "../../terminal/TerminalBar";
import { TerminalTabs } from "../../terminal/TerminalTabs";
import { TerminalView } from "../../terminal/TerminalView";
import { Button } from "../../ui/Button";
import { Blank } from "../../ui/feedback";
import { pb } from "../../util/path-builder";

/** `/terminals` and `/terminals/{session}`: the terminals that this tab of the browser has opened. */
export function TerminalPage() {
  const { session } = useParams({ strict: false });
  const open = useTerminals();
  const navigate = useNavigate();
  const { dialog, open: ask, close } = useDialog();
  const shown = open.find((each) => each.session === session) ?? (session ? undefined : open.at(-1));
  const add = () => ask("open");

  useEffect(() => {
    document.title = shown ? `${shown.account} · ${t.product}` : `${t.nav.terminals} · ${t.product}`;
  }, [shown]);

  const closeTab = (each: TerminalOpened) => {
    closeTerm(each.session);
    const rest = open.filter((other) => other !== each);
    const next = shown === each ? rest.at(-1) : shown;
    void navigate({ to: next ? pb.terminal(next.session) : pb.terminals(), replace: true });
  };

  return (
    <div className="flex h-[calc(100dvh-3rem)] flex-col lg:h-dvh">
      <h1 className="sr-only">{t.nav.terminals}</h1>
      <div className="flex items-center border-b bg-sunken pr-2 pl-2">
        <TerminalTabs open={open} shown={shown} onShow={(each) => void navigate({ to: pb.terminal(each.session) })} onClose={closeTab} />
        <Button size="sm" look="quiet" icon={<Plus className="size-4" aria-hidden />} onClick={add}>{t.terminal.open}</Button>
      </div>
      {shown ? (
        <Shown key={shown.session} opened={shown} onClose={() => closeTab(shown)} />
      ) : (
        <Blank icon={<SquareTerminal />} title={session ? t.terminal.notHere : t.terminal.none} actions={<Button look="primary" onClick={add}>{t.terminal.open}</Button>}>
          {session ? t.terminal.notHereBody : t.terminal.noneBody}
        </Blank>
      )}
      {dialog === "open" ? <OpenTerminal onClose={close} /> : null}
    </div>
  );
}

function Shown({ opened, onClose }: { opened: TerminalOpened; onClose: () => void }) {
  const term = termOf(opened);
  const again = useOpenTerminal();
  const frame = useRef<HTMLDivElement>(null);
  const { search, set } = useUrlState();
  const files = search.tab === "files";
  const needs = (capability: "sftp_read" | "sftp_write") => (opened.capabilities.includes(capability) ? undefined : t.terminal.notAllowed(t.capabilities[capability]));
  const reopen = async () => {
    const done = await again.mutateAsync(opened.account).then(() => true, () => false);
    if (done) closeTerm(opened.session);
  };
  const leave = () => frame.current?.querySelector<HTMLElement>("button")?.focus();
  return (
    <div ref={frame} className="flex min-h-0 flex-1 flex-col bg-surface">
      <TerminalBar
        term={term}
        filesShown={files}
        onFiles={() => set({ tab: files ? undefined : "files" }, { replace: true })}
        filesBlocked={needs("sftp_read")}
        onFullScreen={() => void frame.current?.requestFullscreen()}
        onEnd={onClose}
      />
      <div className="flex min-h-0 flex-1 flex-col lg:flex-row">
        <TerminalView term={term} onLeave={leave} />
        {files && !needs("sftp_read") ? <FilesPanel session={opened.session} writeBlocked={needs("sftp_write")} onClose={() => set({ tab: undefined }, { replace: true })} /> : null}
      </div>
      <TerminalNotices term={term} onAgain={() => void reopen()} onClose={onClose} />
    </div>
  );
}
