import { useState } from "react";

import { names } from "../components/FormDialog";
import { parseLabels } from "../forms/asset-put";
import { t } from "../i18n";
import { CheckField, TextField } from "../ui/Field";

interface Common {
  label: string;
  hint?: string;
  error?: string | undefined;
}

/** Names in one line, separated by commas. */
export function NamesField({ value, onChange, parse = names, ...rest }: Common & { value: string[]; onChange: (value: string[]) => void; parse?: (text: string) => string[] }) {
  const [text, setText] = useState(value.join(", "));
  // Changed elsewhere, in the text beside the form.
  const isOurs = parse(text).join("\n") === value.join("\n");
  return (
    <TextField
      {...rest}
      mono
      value={isOurs ? text : value.join(", ")}
      onChange={(event) => {
        setText(event.target.value);
        onChange(parse(event.target.value));
      }}
      spellCheck={false}
      autoComplete="off"
    />
  );
}

const labelText = (labels: Record<string, string>) => Object.entries(labels).map(([key, value]) => `${key}=${value}`).join(", ");

export function LabelsField({ value, onChange, ...rest }: Common & { value: Record<string, string>; onChange: (value: Record<string, string>) => void }) {
  const [text, setText] = useState(labelText(value));
  const read = parseLabels(text);
  const isOurs = read === undefined || labelText(read) === labelText(value);
  return (
    <TextField
      {...rest}
      mono
      value={isOurs ? text : labelText(value)}
      error={rest.error ?? (isOurs && read === undefined ? t.assets.labelsBad : undefined)}
      onChange={(event) => {
        setText(event.target.value);
        const labels = parseLabels(event.target.value);
        if (labels) onChange(labels);
      }}
      spellCheck={false}
      autoComplete="off"
    />
  );
}

/** Some of a few choices. */
export function ChoicesField<T extends string>({ legend, options, value, onChange }: { legend: string; options: [value: T, label: string][]; value: readonly T[]; onChange: (value: T[]) => void }) {
  return (
    <fieldset className="mt-4">
      <legend className="mb-1 text-sm font-medium">{legend}</legend>
      <div className="grid gap-x-6 xs:grid-cols-2">
        {options.map(([each, label]) => (
          <CheckField key={each} label={label} checked={value.includes(each)} onChange={(event) => onChange(options.map(([known]) => known).filter((known) => (known === each ? event.target.checked : value.includes(known))))} />
        ))}
      </div>
    </fieldset>
  );
}
