import { Eye, EyeOff } from "lucide-react";
import { useState } from "react";
import type { ComponentProps } from "react";

import { t } from "../i18n/first";
import { TextField } from "../ui/Field";

export function PasswordField(props: ComponentProps<typeof TextField>) {
  const [shown, setShown] = useState(false);
  const Picture = shown ? EyeOff : Eye;
  return (
    <div className="relative mt-4 first:mt-0">
      <TextField {...props} type={shown ? "text" : "password"} className="pr-11" required spellCheck={false} autoCapitalize="off" />
      <button
        type="button"
        aria-label={shown ? t.signIn.hide : t.signIn.show}
        aria-pressed={shown}
        onClick={() => setShown(!shown)}
        className="absolute top-[1.75rem] right-1 flex size-7 items-center justify-center rounded text-muted hover:text-ink"
      >
        <Picture className="size-4" aria-hidden />
      </button>
    </div>
  );
}
