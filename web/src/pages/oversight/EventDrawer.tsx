import { useMutation, useQuery } from "@tanstack/react-query";
import { Fingerprint } from "lucide-react";

import { api } from "../../api/client";
import { messageOf } from "../../api/errors";
import type { Proof } from "../../api/nouns";
import { q } from "../../api/queries";
import { CopyButton, Mono } from "../../components/Copy";
import { Actor, OutcomeBadge } from "../../components/events";
import { QueryError } from "../../components/QueryError";
import { When } from "../../components/When";
import { t } from "../../i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Notice, Skeleton } from "../../ui/feedback";
import { Facts } from "../../ui/Page";
import type { Verified } from "../../util/merkle";
import { verifyInclusion } from "../../util/merkle";

const a = t.audit;

/** One event beside the list: what it says, as it was recorded, and the proof that it is in the ledger. */
export function EventDrawer({ index, onClose }: { index: number; onClose: () => void }) {
  const item = useQuery(q.auditItem(index));
  const prove = useMutation({
    meta: { inline: true, keeps: true },
    mutationFn: async () => {
      const proof = await api.auditProof(index);
      return { proof, verified: await verifyInclusion(proof) };
    },
  });
  const event = item.data?.event;
  const text = event ? JSON.stringify(event, null, 2) : "";
  return (
    <Dialog title={a.item(index)} onClose={onClose} side>
      {item.isError ? <QueryError error={item.error} onRetry={() => void item.refetch()} /> : null}
      {item.isPending ? <Skeleton className="h-48 w-full" /> : null}
      {event ? (
        <>
          <Facts
            items={[
              [a.action, <Mono key="a" className="font-medium">{event.action}</Mono>],
              [a.outcome, <OutcomeBadge key="o" outcome={event.outcome} />],
              [a.at, <When key="w" at={event.at} seconds />],
              [a.actor, <Actor key="c" actor={event.actor} />],
              [a.target, <Mono key="t">{event.target}</Mono>],
              [a.scope, <Mono key="s">{event.scope}</Mono>],
              [a.hash, <Mono key="h" className="!text-xs">{item.data?.hash ?? ""}</Mono>],
            ]}
          />
          <div className="mt-5 mb-1.5 flex items-center justify-between"><h3 className="text-sm font-semibold">{a.json}</h3><CopyButton text={text} label={a.copyJson} /></div>
          <pre tabIndex={0} role="region" aria-label={a.json} className="max-h-80 overflow-auto rounded-md bg-sunken px-3 py-2.5 font-mono text-xs leading-5">{text}</pre>
          <div className="mt-5">
            {prove.data ? <Proved {...prove.data} /> : (
              <Button icon={<Fingerprint className="size-4" aria-hidden />} busy={prove.isPending} blocked={globalThis.isSecureContext ? undefined : a.insecure} onClick={() => prove.mutate()}>{prove.isPending ? a.proving : a.proof}</Button>
            )}
            {prove.error ? <div className="mt-3"><Notice tone="bad" live>{messageOf(prove.error)}</Notice></div> : null}
          </div>
        </>
      ) : null}
    </Dialog>
  );
}

function Proved({ proof, verified }: { proof: Proof; verified: Verified }) {
  const good = verified.leaf && verified.root && verified.checkpoint;
  return (
    <div>
      <Notice tone={good ? "ok" : "bad"} title={good ? a.proved : a.notProved} live>
        {good ? `${a.provedBody(proof.path.length, proof.size)} ${a.provedServer} ${a.provedRootOnly}` : a.notProvedBody}
      </Notice>
      <div className="mt-4"><Facts items={[[a.root, <Mono key="r" className="!text-xs">{proof.root}</Mono>]]} /></div>
      <details className="mt-3 text-sm">
        <summary className="text-muted hover:text-ink">{a.path}</summary>
        <ol className="mt-1.5 space-y-0.5 font-mono text-2xs text-muted">{proof.path.map((hash) => <li key={hash} className="[overflow-wrap:anywhere]">{hash}</li>)}</ol>
      </details>
      <details className="mt-2 text-sm">
        <summary className="text-muted hover:text-ink">{a.checkpoint}</summary>
        <pre tabIndex={0} role="region" aria-label={a.checkpoint} className="mt-1.5 overflow-x-auto rounded-md bg-sunken px-3 py-2 font-mono text-2xs">{proof.checkpoint}</pre>
      </details>
    </div>
  );
}
