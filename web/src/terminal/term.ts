import type { TerminalOpened } from "../api/nouns";
import { api } from "../api/client";
import { path } from "../api/http";
import { terminals } from "../stores/terminals";
import { Line } from "./line";
import type { LineState } from "./line";
import type { Clipboard, Told, Watcher } from "./protocol";
import { Screen } from "./screen";

const NOTICES_MAX = 3;

/** What is to be known about a terminal beside what it shows. */
export interface TermStatus {
  state: LineState;
  until: string;
  clipboard: Clipboard;
  watchers: Watcher[];
  pausedBy: string | undefined;
  /** What the gate said, newest last. */
  notices: { id: number; text: string }[];
  ended: { reason: string; message: string } | undefined;
  isFollowedByScreenReader: boolean;
}

/** A terminal and its line to the session. It goes on while other pages are looked at. */
export class Term {
  readonly screen: Screen;
  private readonly line: Line;
  private readonly listeners = new Set<() => void>();
  private said = 0;
  private started = false;
  status: TermStatus;
  private onLeave: () => void = () => {};

  constructor(readonly opened: TerminalOpened) {
    this.status = { state: "connecting", until: opened.until, clipboard: opened.clipboard, watchers: [], pausedBy: undefined, notices: [], ended: undefined, isFollowedByScreenReader: false };
    this.screen = new Screen(
      {
        typed: (data) => this.line.type(data),
        pasted: (data) => this.line.paste(data),
        resized: (cols, rows) => this.line.resize(cols, rows),
        left: () => this.onLeave(),
      },
      opened.clipboard,
    );
    const url = new URL(path("terminals", opened.session, "socket"), location.href);
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
    this.line = new Line(url.href, opened.ticket, {
      state: (state) => {
        this.screen.hold(state !== "open" || this.status.pausedBy !== undefined);
        this.change({ state });
      },
      told: (told) => this.onTold(told),
      output: (bytes, shown) => this.screen.write(bytes, shown),
      gap: () => this.screen.clear(),
      size: () => this.screen.size,
    });
  }

  /** What happens when the person leaves the terminal by its keys. */
  whenLeft(leave: () => void): void {
    this.onLeave = leave;
  }

  /** Attaches, once the screen stands somewhere, so that its size is known. */
  start(): void {
    if (this.started) return;
    this.started = true;
    this.line.connect();
  }

  /** Takes the session back from another tab that has attached to it. */
  takeBack(): void {
    this.line.connect();
  }

  dismissNotice(id: number): void {
    this.change({ notices: this.status.notices.filter((each) => each.id !== id) });
  }

  followByScreenReader(on: boolean): void {
    this.screen.setScreenReader(on);
    this.change({ isFollowedByScreenReader: on });
  }

  dispose(): void {
    this.line.dispose();
    this.screen.dispose();
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private onTold(told: Told): void {
    switch (told.type) {
      case "attached":
        this.screen.permit(told.clipboard);
        this.pause(told.paused_by ?? undefined);
        this.change({ until: told.until, clipboard: told.clipboard, watchers: told.watchers });
        break;
      case "paused": this.pause(told.by); break;
      case "resumed": this.pause(undefined); break;
      case "joined": this.change({ watchers: [...this.without(told), { user: told.user, control: told.control }] }); break;
      case "left": this.change({ watchers: this.without(told) }); break;
      case "notice": case "refused": this.notice(told.text); break;
      case "ended": this.change({ ended: { reason: told.reason, message: told.message }, watchers: [], pausedBy: undefined }); break;
      case "exit": case "detached": break;
    }
  }

  private without({ user, control }: Watcher): Watcher[] {
    const at = this.status.watchers.findIndex((each) => each.user === user && each.control === control);
    return this.status.watchers.filter((_, index) => index !== at);
  }

  private pause(by: string | undefined): void {
    this.change({ pausedBy: by });
    this.screen.hold(by !== undefined || this.status.state !== "open");
  }

  private notice(text: string): void {
    this.said += 1;
    this.change({ notices: [...this.status.notices, { id: this.said, text }].slice(-NOTICES_MAX) });
  }

  private change(patch: Partial<TermStatus>): void {
    this.status = { ...this.status, ...patch };
    for (const listener of this.listeners) listener();
  }
}

const terms = new Map<string, Term>();

/** The terminal of a session that this tab has opened; made when it is first looked at. */
export function termOf(opened: TerminalOpened): Term {
  let term = terms.get(opened.session);
  if (!term) {
    term = new Term(opened);
    terms.set(opened.session, term);
  }
  return term;
}

/** Takes a terminal away; its session ends when it has not been ended yet. */
export function closeTerm(session: string): void {
  const term = terms.get(session);
  if (!term?.status.ended) void api.terminalEnd(session).catch(() => undefined);
  term?.dispose();
  terms.delete(session);
  terminals.remove(session);
}
