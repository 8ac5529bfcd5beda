import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";

import { api } from "../api/client";
import type { ConnectTicket } from "../api/nouns";
import { CopyLine } from "../components/Copy";
import { FormDialog } from "../components/FormDialog";
import { Left } from "../components/When";
import { useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { Dialog, DialogActions } from "../ui/Dialog";
import { SelectField, TextField } from "../ui/Field";
import { Notice } from "../ui/feedback";
import { buttonClass } from "../ui/Press";
import { duration } from "../util/time";
import { AUTHORITY, firstDatabase, linesOf, uriOf } from "../util/database-lines";

const c = t.connect;
const LENGTHS = [300, 3600, 8 * 3600];

/** Makes a token for a database and shows once how clients use it. */
export function ConnectToken({ account, protocol, onClose }: { account: string; protocol: string; onClose: () => void }) {
  const [lasts, setLasts] = useKept("lasts", String(LENGTHS[0]));
  const [database, setDatabase] = useState(() => firstDatabase(protocol, account));
  const make = useMutation({ meta: { inline: true }, gcTime: 0, mutationFn: () => api.connectTokenCreate({ account, expires_in_seconds: Number(lasts) }) });
  if (make.data) return <Lines ticket={make.data} database={database.trim()} onClose={onClose} />;
  return (
    <FormDialog title={c.title(account)} about={c.about} submit={c.submit} busy={make.isPending} error={make.error} onSubmit={() => make.mutate()} onClose={onClose}>
      <TextField label={c.database} hint={protocol === "redis" ? c.numberHint : c.databaseHint} mono value={database} onChange={(event) => setDatabase(event.target.value)} {...(protocol === "postgresql" ? { required: true } : { optional: t.common.optional })} {...(protocol === "redis" ? { inputMode: "numeric", pattern: "[0-9]{1,5}" } : {})} autoFocus spellCheck={false} autoComplete="off" />
      <SelectField label={c.lasts} value={lasts} onChange={(event) => setLasts(event.target.value)}>
        {LENGTHS.map((each) => <option key={each} value={each}>{duration(each)}</option>)}
      </SelectField>
    </FormDialog>
  );
}

function Lines({ ticket, database, onClose }: { ticket: ConnectTicket; database: string; onClose: () => void }) {
  return (
    <Dialog title={c.title(ticket.account)} onClose={onClose} dismissable={false}>
      <Notice tone="warn">{c.once}</Notice>
      <dl className="mt-4 space-y-3">
        {linesOf(ticket, database).map(({ client, line }) => <Line key={client} label={c.line(client)} text={line} copy={c.copyClient(client)} />)}
        <Line label={c.token} text={ticket.token} copy={c.copyToken} />
        <Line label={c.uri} text={uriOf(ticket, database)} copy={c.copyUri} />
      </dl>
      {ticket.authority ? (
        <p className="mt-4 flex flex-wrap items-center gap-3 text-sm text-muted">
          <span className="min-w-0 flex-1 basis-56">{c.authority}</span>
          <a className={buttonClass("secondary", "sm")} download={AUTHORITY} href={`data:application/x-pem-file,${encodeURIComponent(ticket.authority)}`}><Download className="size-4" aria-hidden />{AUTHORITY}</a>
        </p>
      ) : null}
      <p className="mt-3 text-sm text-muted">{c.until} <Left until={ticket.expires_at} /></p>
      <DialogActions><Button look="primary" onClick={onClose}>{t.actions.done}</Button></DialogActions>
    </Dialog>
  );
}

function Line({ label, text, copy }: { label: string; text: string; copy: string }) {
  return (
    <div>
      <dt className="mb-1 text-xs text-muted">{label}</dt>
      <dd><CopyLine text={text} label={copy} className="py-1" /></dd>
    </div>
  );
}
