import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";

const ALL_MAX = 100;
const OVERSCAN = 12;

interface Visible {
  /** For the element that the rows are in. */
  frame: (element: HTMLElement | null) => void;
  /** The rows to render, as indices. */
  indices: number[];
  /** Pixels that the rows before and after them take. */
  before: number;
  after: number;
  /** For each row, which carries its index as `data-index`. */
  measure: ((element: HTMLElement | null) => void) | undefined;
}

/** Which of many rows are near what is seen: of a long page only these are rendered. */
export function useVisible(count: number, height: number): Visible {
  const element = useRef<HTMLElement>(null);
  const [margin, setMargin] = useState(0);
  const enabled = count > ALL_MAX;
  const virtualizer = useWindowVirtualizer({ count, estimateSize: () => height, overscan: OVERSCAN, scrollMargin: margin, enabled });
  useEffect(() => {
    if (element.current) setMargin(element.current.getBoundingClientRect().top + scrollY);
  }, [count]);
  const frame = (found: HTMLElement | null) => {
    element.current = found;
  };
  if (!enabled) return { frame, indices: Array.from({ length: count }, (_, index) => index), before: 0, after: 0, measure: undefined };
  const items = virtualizer.getVirtualItems();
  const [first, last] = [items[0], items.at(-1)];
  return {
    frame,
    indices: items.map((item) => item.index),
    before: first ? first.start - margin : 0,
    after: last ? virtualizer.getTotalSize() - (last.end - margin) : 0,
    measure: virtualizer.measureElement,
  };
}
