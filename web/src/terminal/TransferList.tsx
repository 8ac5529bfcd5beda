import { ArrowDown, ArrowUp, X } from "lucide-react";

import { t } from "../i18n";
import { Button, IconButton } from "../ui/Button";
import { bytes } from "../util/time";
import type { Transfer } from "./useTransfers";

/** The files under way, each with its progress. */
export function TransferList({ transfers, onOverwrite, onDismiss }: { transfers: Transfer[]; onOverwrite: (transfer: Transfer) => void; onDismiss: (transfer: Transfer) => void }) {
  if (transfers.length === 0) return null;
  return (
    <ul aria-label={t.files.transfers} className="max-h-48 overflow-y-auto border-t">
      {transfers.map((each) => (
        <li key={each.id} className="border-b px-3 py-2 text-xs last:border-b-0">
          <div className="flex items-center gap-2">
            {each.file ? <ArrowUp className="size-3.5 text-muted" aria-label={t.files.upload} /> : <ArrowDown className="size-3.5 text-muted" aria-label={t.actions.download} />}
            <span className="min-w-0 flex-1 truncate font-mono">{each.name}</span>
            <span className="text-muted">{each.state === "moving" ? progressText(each) : each.state === "done" ? t.files.done(bytes(each.done)) : null}</span>
            {each.state === "exists" ? <Button size="sm" onClick={() => onOverwrite(each)}>{t.files.overwrite}</Button> : null}
            <IconButton size="sm" label={each.state === "moving" ? t.actions.cancel : t.actions.dismiss} onClick={() => onDismiss(each)}><X className="size-3.5" aria-hidden /></IconButton>
          </div>
          {each.state === "moving" ? <progress aria-label={each.name} className="mt-1 block h-1 w-full accent-accent" max={each.total ?? 1} {...(each.total === undefined ? {} : { value: each.done })} /> : null}
          {each.error ? <p className="mt-1 text-bad">{each.error}</p> : null}
        </li>
      ))}
    </ul>
  );
}

function progressText(transfer: Transfer): string {
  return transfer.total ? `${Math.floor((transfer.done / transfer.total) * 100)} %` : bytes(transfer.done);
}
