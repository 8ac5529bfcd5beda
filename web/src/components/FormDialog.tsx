import type { FormEvent, ReactNode } from "react";

import { asApiError, messageOf } from "../api/errors";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { Notice } from "../ui/feedback";

interface Props {
  title: string;
  about?: ReactNode;
  submit?: string;
  busy: boolean;
  error: unknown;
  /** The fields that show their own error; a failure about another one stands above the form. */
  fields?: string[];
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
}

/** A form in a dialog. */
export function FormDialog({ title, about, submit = t.actions.save, busy, error, fields = [], onSubmit, onClose, children, wide = false }: Props) {
  const failure = error ? asApiError(error) : undefined;
  const above = failure && !(failure.field && fields.includes(failure.field));
  return (
    <Dialog title={title} about={about} onClose={onClose} wide={wide}>
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          if (!busy) onSubmit();
        }}
      >
        {above ? <div className="mb-4"><Notice tone="bad" live>{messageOf(failure)}</Notice></div> : null}
        {children}
        <DialogActions>
          <Button onClick={onClose}>{t.actions.cancel}</Button>
          <Button look="primary" type="submit" busy={busy}>{submit}</Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

/** What the server says about one field of a form. */
export function fieldError(error: unknown, field: string): string | undefined {
  if (!error) return undefined;
  const known = asApiError(error);
  return known.field === field ? known.message : undefined;
}

/** Names written one after another. */
export function names(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
}
