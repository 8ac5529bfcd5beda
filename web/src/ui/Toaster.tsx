import { Check, CircleAlert, Info, X } from "lucide-react";
import { useEffect, useRef } from "react";

import { t } from "../i18n/first";
import { dismiss, useToasts } from "../stores/toast";
import { cx } from "./cx";

const ICONS = { ok: Check, bad: CircleAlert, info: Info };
const TONES = { ok: "text-ok", bad: "text-bad", info: "text-info" };

/** The notices at the edge; a popover, so that they stand above an open dialog. */
export function Toaster() {
  const toasts = useToasts();
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const region = ref.current;
    if (!region) return;
    if (region.matches(":popover-open")) region.hidePopover();
    if (toasts.length > 0) region.showPopover();
  }, [toasts]);
  return (
    <div
      ref={ref}
      popover="manual"
      role="status"
      className="fixed inset-auto right-0 bottom-0 m-0 w-full flex-col gap-2 border-0 bg-transparent p-4 text-ink sm:w-96 [&:popover-open]:flex"
    >
      {toasts.map((toast) => {
        const Picture = ICONS[toast.tone];
        return (
          <div key={toast.id} className="flex items-start gap-2.5 rounded-lg border bg-surface py-2.5 pr-2 pl-3 text-sm shadow-lift">
            <Picture className={cx("mt-0.5 size-4 shrink-0", TONES[toast.tone])} aria-hidden />
            <p className="min-w-0 flex-1">{toast.text}</p>
            <button type="button" aria-label={t.actions.dismiss} onClick={() => dismiss(toast.id)} className="rounded p-0.5 text-muted hover:text-ink">
              <X className="size-4" aria-hidden />
            </button>
          </div>
        );
      })}
    </div>
  );
}
