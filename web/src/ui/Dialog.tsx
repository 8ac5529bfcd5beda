import { X } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import type { ReactNode } from "react";

import { t } from "../i18n";
import { IconButton } from "./Button";
import { cx } from "./cx";
import { PortalContext } from "./portal";

interface Props {
  title: ReactNode;
  /** Under the title: what this is about. */
  about?: ReactNode;
  onClose: () => void;
  children: ReactNode;
  /** A drawer stands at the right edge and keeps the page beside it visible. */
  side?: boolean;
  wide?: boolean;
  /** False while closing would lose something that is shown once. */
  dismissable?: boolean;
  /** True where what is behind it must not be read. */
  covers?: boolean;
}

/** A modal dialog on the browser's own element: focus, Escape and inertness are its, and it needs no injected style. */
export function Dialog({ title, about, onClose, children, side = false, wide = false, dismissable = true, covers = false }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const [portal, setPortal] = useState<HTMLElement | null>(null);
  const titleId = useId();

  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return undefined;
    if (!dialog.open) dialog.showModal();
    // What is to be filled in comes first; where there is nothing, the first of the buttons that end the dialog.
    dialog.querySelector<HTMLElement>("form :is(input, textarea, select):not([type=hidden], [readonly]), [data-actions] button")?.focus();
    setPortal(dialog);
    return () => dialog.close();
  }, []);

  return (
    <dialog
      ref={ref}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        if (dismissable) onClose();
      }}
      onMouseDown={(event) => {
        if (dismissable && event.target === ref.current) onClose();
      }}
      className={cx(
        "fixed m-0 max-h-none max-w-none flex-col border bg-surface p-0 shadow-lift open:flex",
        covers && "backdrop:bg-canvas",
        side
          ? "inset-y-0 right-0 left-auto h-dvh w-full border-y-0 border-r-0 sm:w-[34rem] open:animate-[drawer-in_.16s_ease-out]"
          : cx(
              "inset-x-0 top-auto bottom-0 mx-auto max-h-[92dvh] w-full rounded-t-lg open:animate-[dialog-in_.14s_ease-out] sm:top-[9vh] sm:bottom-auto sm:max-h-[82vh] sm:rounded-lg",
              wide ? "sm:w-[44rem]" : "sm:w-[30rem]",
            ),
      )}
    >
      <header className="flex items-start gap-3 border-b px-5 pt-4 pb-3">
        <div className="min-w-0 flex-1">
          <h2 id={titleId} className="text-lg font-semibold text-ink">{title}</h2>
          {about ? <div className="mt-0.5 text-sm text-muted">{about}</div> : null}
        </div>
        {dismissable ? (
          <IconButton label={t.actions.close} size="sm" onClick={onClose} side="left">
            <X className="size-4" aria-hidden />
          </IconButton>
        ) : null}
      </header>
      <PortalContext value={portal}>
        <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4">{children}</div>
      </PortalContext>
    </dialog>
  );
}

/** The row of buttons that ends a form in a dialog; it stays in view. */
export function DialogActions({ children }: { children: ReactNode }) {
  return (
    <div data-actions className="sticky -bottom-4 -mx-5 mt-5 -mb-4 flex flex-wrap items-center justify-end gap-2 border-t bg-surface px-5 py-3">
      {children}
    </div>
  );
}
