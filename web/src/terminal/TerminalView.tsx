import { useEffect, useRef, useSyncExternalStore } from "react";

import { t } from "../i18n";
import { cx } from "../ui/cx";
import type { Term, TermStatus } from "./term";

export function useTermStatus(term: Term): TermStatus {
  return useSyncExternalStore(term.subscribe, () => term.status);
}

/** The screen of a terminal, as large as there is room. */
export function TerminalView({ term, onLeave }: { term: Term; onLeave: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  const { state } = useTermStatus(term);

  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    let frame = 0;
    let isShown = false;
    const show = () => {
      isShown = true;
      term.screen.show(element);
      term.start();
      term.screen.focus();
    };
    // The width of a letter is measured once: with the font that will be used.
    void document.fonts.load('13px "IBM Plex Mono"').then(show, show);
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => isShown && term.screen.fit());
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [term]);

  useEffect(() => {
    term.whenLeft(onLeave);
  }, [term, onLeave]);

  return (
    <div className="relative min-h-0 flex-1 bg-[#12171a]">
      <div ref={ref} role="group" aria-label={t.terminal.label(term.opened.account)} className={cx("absolute inset-y-2 right-1 left-3", state !== "open" && "opacity-60")} />
    </div>
  );
}
