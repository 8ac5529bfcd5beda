import { FitAddon } from "@xterm/addon-fit";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";

import { allowStyledSpans, withStyleSheets } from "./strict";

allowStyledSpans();

const SCROLLBACK_LINES = 10_000;
const FONT_PX = 13;
const FONT_PX_MIN = 5;
const FONT_PX_MAX = 18;

// The same colours as recordings are played in: styles.css has them for the player.
const THEME = {
  foreground: "#d6dbd8", background: "#12171a", cursor: "#d6dbd8", cursorAccent: "#12171a", selectionBackground: "#35555f",
  black: "#1c2327", red: "#e8776b", green: "#7cc08a", yellow: "#dcb45d", blue: "#6fb0d8", magenta: "#b99be0", cyan: "#6cc3c9", white: "#d6dbd8",
  brightBlack: "#6b777d", brightRed: "#f29a8f", brightGreen: "#9ed6a9", brightYellow: "#ecca82", brightBlue: "#95c8e8", brightMagenta: "#cfb8ee", brightCyan: "#93d9de", brightWhite: "#f4f6f5",
};

export interface ScreenEvents {
  /** Keys that were pressed. */
  typed: (data: string) => void;
  /** Text that was pasted, as the program in the terminal is to get it. */
  pasted: (data: string) => void;
  resized: (cols: number, rows: number) => void;
  /** The keys that leave the terminal were pressed. */
  left: () => void;
}

export interface ScreenRights {
  copy: boolean;
  paste: boolean;
}

/** A terminal in an element of its own, which can be moved from page to page. */
export class Screen {
  readonly element = document.createElement("div");
  private readonly terminal: Terminal;
  private readonly fitting = new FitAddon();
  private opened = false;
  private pasting = false;

  /** With a `fixed` size the letters are made to fit; otherwise there are as many as fit. */
  constructor(private readonly events: ScreenEvents, private rights: ScreenRights, private readonly fixed?: { cols: number; rows: number }) {
    this.element.className = "h-full w-full";
    this.terminal = new Terminal({
      allowProposedApi: true, theme: THEME, scrollback: SCROLLBACK_LINES, cursorBlink: false, ...fixed,
      fontFamily: '"IBM Plex Mono", ui-monospace, monospace', fontSize: FONT_PX, lineHeight: 1.2, rightClickSelectsWord: false, macOptionIsMeta: true,
    });
    this.terminal.loadAddon(this.fitting);
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.unicode.activeVersion = "11";
    this.terminal.onData((data) => (this.pasting ? events.pasted(data) : events.typed(data)));
    this.terminal.onResize(({ cols, rows }) => events.resized(cols, rows));
    this.terminal.onSelectionChange(() => {
      if (!this.rights.copy && this.terminal.hasSelection()) this.terminal.clearSelection();
    });
    this.terminal.attachCustomKeyEventHandler((event) => this.key(event));
    this.element.addEventListener("paste", (event) => this.onPaste(event), { capture: true });
    this.element.addEventListener("copy", (event) => this.onCopy(event), { capture: true });
  }

  get size(): { cols: number; rows: number } {
    return { cols: this.terminal.cols, rows: this.terminal.rows };
  }

  /** Shows it in `parent`; the first time it is made there, since it must know how large a letter is. */
  show(parent: HTMLElement): void {
    parent.append(this.element);
    if (!this.opened) {
      this.opened = true;
      withStyleSheets(() => this.terminal.open(this.element));
    }
    this.fit();
  }

  /** Fits it into where it stands. */
  fit(): void {
    if (!this.element.isConnected || this.element.clientWidth === 0) return;
    if (this.fixed) this.scale();
    else this.fitting.fit();
  }

  /** The size of what is looked at, where it is not ours to choose. */
  resize(cols: number, rows: number): void {
    this.terminal.resize(cols, rows);
    this.fit();
  }

  private scale(): void {
    const screen = this.element.querySelector(".xterm-screen");
    if (!screen || screen.clientWidth === 0) return;
    const now = this.terminal.options.fontSize ?? FONT_PX;
    const room = Math.min(this.element.clientWidth / screen.clientWidth, this.element.clientHeight / screen.clientHeight);
    this.terminal.options.fontSize = Math.max(FONT_PX_MIN, Math.min(FONT_PX_MAX, Math.floor(now * room * 2) / 2));
  }

  focus(): void {
    this.terminal.focus();
  }

  permit(rights: ScreenRights): void {
    this.rights = rights;
  }

  /** Writes output; `shown` is told when it is on the screen. */
  write(data: Uint8Array, shown?: () => void): void {
    this.terminal.write(data, shown);
  }

  clear(): void {
    this.terminal.reset();
  }

  hold(held: boolean): void {
    this.terminal.options.disableStdin = held;
  }

  setScreenReader(on: boolean): void {
    this.terminal.options.screenReaderMode = on;
  }

  dispose(): void {
    this.terminal.dispose();
    this.element.remove();
  }

  private key(event: KeyboardEvent): boolean {
    if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey) return true;
    const key = event.key.toLowerCase();
    if (key === "c") {
      event.preventDefault();
      if (this.rights.copy && this.terminal.hasSelection()) void navigator.clipboard.writeText(this.terminal.getSelection());
      return false;
    }
    if (key === "e") {
      event.preventDefault();
      this.events.left();
      return false;
    }
    // The browser pastes, which comes back as an event.
    return key !== "v";
  }

  private onPaste(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!text || this.terminal.options.disableStdin) return;
    this.pasting = true;
    this.terminal.paste(text);
    this.pasting = false;
  }

  private onCopy(event: ClipboardEvent): void {
    if (this.rights.copy) return;
    event.preventDefault();
    event.stopPropagation();
  }
}
