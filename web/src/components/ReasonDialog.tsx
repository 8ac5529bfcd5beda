import type { ReactNode } from "react";

import { messageOf } from "../api/errors";
import { useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { TextArea } from "../ui/Field";
import { Notice } from "../ui/feedback";

interface Props {
  title: string;
  about?: ReactNode;
  /** What the reason's field is called; without it the dialog only asks yes or no. */
  label?: string;
  hint?: string;
  needed?: boolean;
  submit: string;
  danger?: boolean;
  busy: boolean;
  error: unknown;
  onSubmit: (reason: string) => void;
  onClose: () => void;
  children?: ReactNode;
}

/** Asks once more before something is done, and for the reason where one belongs to it. */
export function ReasonDialog({ title, about, label, hint, needed = false, submit, danger = false, busy, error, onSubmit, onClose, children }: Props) {
  const [reason, setReason] = useKept("reason", "");
  return (
    <Dialog title={title} about={about} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) onSubmit(reason.trim());
        }}
      >
        {error ? <div className="mb-4"><Notice tone="bad" live>{messageOf(error)}</Notice></div> : null}
        {children}
        {label ? (
          <TextArea label={label} hint={hint} optional={needed ? undefined : t.common.optional} value={reason} onChange={(event) => setReason(event.target.value)} required={needed} maxLength={1000} autoFocus />
        ) : null}
        <DialogActions>
          <Button onClick={onClose}>{t.actions.cancel}</Button>
          <Button look={danger ? "danger" : "primary"} type="submit" busy={busy}>{submit}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
