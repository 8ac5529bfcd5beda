import { create } from "asciinema-player";
import type { Options, Player } from "asciinema-player";
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
