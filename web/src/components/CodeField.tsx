import type { ComponentProps } from "react";

import { TextField } from "../ui/Field";

type Props = Omit<ComponentProps<typeof TextField>, "onChange" | "value"> & { value: string; onCode: (code: string) => void };

/** Six digits; whatever else is typed or pasted is left out. */
export function CodeField({ value, onCode, ...rest }: Props) {
  return (
    <TextField
      required
      {...rest}
      mono
      value={value}
      onChange={(event) => onCode(event.target.value.replaceAll(/\D/g, "").slice(0, 6))}
      inputMode="numeric"
      autoComplete="one-time-code"
      pattern="[0-9]{6}"
      className="!text-lg tracking-[0.35em]"
    />
  );
}
