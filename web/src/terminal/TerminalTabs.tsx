import { X } from "lucide-react";

import type { TerminalOpened } from "../api/nouns";
import { t } from "../i18n";
import { cx } from "../ui/cx";

interface Props {
  open: TerminalOpened[];
  shown: TerminalOpened | undefined;
  onShow: (each: TerminalOpened) => void;
  onClose: (each: TerminalOpened) => void;
}

/** One tab for each terminal. Two on the same account are told apart by a number. */
export function TerminalTabs({ open, shown, onShow, onClose }: Props) {
  const names = open.map((each, index) => {
    const before = open.slice(0, index).filter((other) => other.account === each.account).length;
    return before > 0 ? `${each.account} (${before + 1})` : each.account;
  });
  return (
    <ul aria-label={t.nav.terminals} className="flex min-w-0 flex-1 items-end gap-1 overflow-x-auto pt-1.5">
      {open.map((each, index) => (
        <li key={each.session} className={cx("-mb-px flex shrink-0 items-center rounded-t-md border border-b-0 text-sm", each === shown ? "border-line bg-surface" : "border-transparent text-muted hover:bg-hover")}>
          <button type="button" aria-current={each === shown ? "page" : undefined} onClick={() => onShow(each)} className="h-8 pr-1 pl-3 font-mono text-xs">{names[index]}</button>
          <button type="button" aria-label={t.terminal.closeTab(names[index] ?? "")} onClick={() => onClose(each)} className="mr-1 flex size-6 items-center justify-center rounded text-muted hover:bg-hover hover:text-ink"><X className="size-3.5" aria-hidden /></button>
        </li>
      ))}
    </ul>
  );
}
