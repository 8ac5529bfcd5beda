import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { FileDown, Paperclip } from "lucide-react";
import { useRef } from "react";

import { api } from "../api/client";
import { messageOf } from "../api/errors";
import type { Request } from "../api/nouns";
import { q } from "../api/queries";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { Notice } from "../ui/feedback";
import { Panel, Section } from "../ui/Page";
import { bytes } from "../util/time";
import { Mono } from "./Copy";
import { Ago } from "./When";

/** Files that people put to a request, and a way to put one there while it waits. */
export function RequestFiles({ request }: { request: Request }) {
  const client = useQueryClient();
  const chosen = useRef<HTMLInputElement>(null);
  const files = useQuery(q.attachments(request.id));
  const put = useMutation({
    meta: { inline: true },
    mutationFn: (file: File) => api.attachmentAdd(request.id, file),
    onSettled: () => void client.invalidateQueries({ queryKey: q.attachments(request.id).queryKey }),
  });
  const items = files.data?.items ?? [];
  const waits = request.state === "pending";
  if (items.length === 0 && !waits) return null;
  return (
    <Section
      title={t.requests.files}
      aside={waits ? <Button size="sm" busy={put.isPending} icon={<Paperclip className="size-4" aria-hidden />} onClick={() => chosen.current?.click()}>{t.requests.attach}</Button> : null}
    >
      <input
        ref={chosen}
        type="file"
        className="hidden"
        aria-label={t.requests.attach}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) put.mutate(file);
        }}
      />
      {put.error ? <div className="mb-3"><Notice tone="bad" live>{messageOf(put.error)}</Notice></div> : null}
      <Panel>
        {items.length === 0 ? <p className="px-4 py-3 text-sm text-muted">{t.requests.filesNone}</p> : null}
        <ul aria-label={t.requests.files}>
          {items.map((each) => (
            <li key={each.number} className="flex flex-wrap items-center gap-x-3 border-b px-4 py-2 text-sm last:border-b-0">
              <a href={api.attachmentUrl(request.id, each.number)} download={each.name} className="flex items-center gap-2 text-accent hover:underline"><FileDown className="size-4" aria-hidden />{each.name}</a>
              <span className="text-muted">{bytes(each.bytes)}</span>
              <Mono className="text-muted">{each.user}</Mono>
              <span className="text-muted"><Ago at={each.at} /></span>
            </li>
          ))}
        </ul>
      </Panel>
    </Section>
  );
}
