import { useState } from "react";

import { FormDialog } from "../components/FormDialog";
import { TextField } from "../ui/Field";

interface Props {
  title: string;
  label: string;
  value: string;
  submit: string;
  busy: boolean;
  error: unknown;
  onSubmit: (name: string) => void;
  onClose: () => void;
}

/** Asks for the name of a file or a folder. */
export function NameDialog({ title, label, value, submit, busy, error, onSubmit, onClose }: Props) {
  const [name, setName] = useState(value);
  return (
    <FormDialog title={title} submit={submit} busy={busy} error={error} fields={[]} onSubmit={() => onSubmit(name.trim())} onClose={onClose}>
      <TextField label={label} mono value={name} onChange={(event) => setName(event.target.value)} required autoFocus spellCheck={false} pattern="[^\/]+" />
    </FormDialog>
  );
}
