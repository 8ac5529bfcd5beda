import { create } from "asciinema-player";
import type { Options, Player, Source } from "asciinema-player";
import "asciinema-player/dist/bundle/asciinema-player.css";

import type { CastEvent } from "./asciicast";

const LOOK: Options = {
  controls: false,
  fit: "both",
  terminalFontFamily: '"IBM Plex Mono", ui-monospace, monospace',
  theme: "postern",
  keystrokeOverlay: false,
};

export interface Playback {
  events: CastEvent[];
  cols: number;
  rows: number;
}

/** A player of what was recorded. Its events are given as they are to be shown, idle time already squeezed. */
export function play(element: HTMLElement, cast: Playback, options: { startAt: number; speed: number; autoPlay: boolean }): Player {
  const lines: unknown[] = [{ version: 2, width: cast.cols, height: cast.rows }, ...cast.events.filter((event) => event.code === "o" || event.code === "r").map((event) => [event.at, event.code, event.data])];
  return create({ data: lines }, element, { ...LOOK, preload: true, ...options });
}

/** What a live terminal is told. */
export interface Screen {
  output: (text: string) => void;
  resize: (cols: number, rows: number) => void;
}

interface Driver {
  play: () => void;
}

interface Callbacks {
  dispatch: (name: string, payload?: unknown) => void;
}

/** A terminal that shows at once what it is told. */
export function live(element: HTMLElement, size: { cols: number; rows: number }): { screen: Screen; player: Player } {
  let dispatch: Callbacks["dispatch"] | undefined;
  // Told before the terminal has started: kept until it has.
  const early: (() => void)[] = [];
  const tell = (name: string, payload: unknown) => {
    if (dispatch) dispatch(name, payload);
    else early.push(() => dispatch?.(name, payload));
  };
  const driver = (callbacks: Callbacks): Driver => ({
    play: () => {
      dispatch = callbacks.dispatch;
      dispatch("play");
      dispatch("playing");
      dispatch("reset", { size, theme: undefined, init: undefined });
      for (const each of early.splice(0)) each();
    },
  });
  // The player takes a driver of one's own, which its types leave out.
  const source: unknown = driver;
  const player = create(source as Source, element, { ...LOOK, ...size, autoPlay: true });
  return {
    player,
    screen: {
      output: (text) => tell("output", text),
      resize: (cols, rows) => tell("resize", { cols, rows }),
    },
  };
}
