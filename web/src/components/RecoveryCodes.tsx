import { Copy, Download, Printer } from "lucide-react";

import { t } from "../i18n";
import { toast } from "../stores/toast";
import { Button } from "../ui/Button";

/** Codes that are shown once, with every way to keep them. */
export function RecoveryCodes({ codes, user }: { codes: string[]; user: string }) {
  const text = `${t.link.recovery.heading(user)}\n\n${codes.join("\n")}\n`;
  const download = () => {
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.download = t.link.recovery.file;
    anchor.click();
    URL.revokeObjectURL(url);
  };
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => toast("ok", t.common.copied),
      () => toast("bad", t.errors.clipboard),
    );
  return (
    <div>
      <ul className="grid grid-cols-1 gap-x-8 gap-y-1.5 rounded-lg border bg-surface px-5 py-4 font-mono text-base xs:grid-cols-2">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ul>
      <div className="no-print mt-3 flex flex-wrap gap-2">
        <Button icon={<Copy className="size-4" aria-hidden />} onClick={() => void copy()}>{t.link.recovery.copy}</Button>
        <Button icon={<Download className="size-4" aria-hidden />} onClick={download}>{t.actions.download}</Button>
        <Button icon={<Printer className="size-4" aria-hidden />} onClick={() => print()}>{t.actions.print}</Button>
      </div>
    </div>
  );
}
