import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { api } from "../../api/client";
import { messageOf } from "../../api/errors";
import type { NoticeChoiceView } from "../../api/nouns";
import { q } from "../../api/queries";
import { fieldError } from "../../components/FormDialog";
import { t } from "../../i18n";
import { toast } from "../../stores/toast";
import { Button } from "../../ui/Button";
import { Notice } from "../../ui/feedback";
import { CheckField, TextField } from "../../ui/Field";
import { Panel } from "../../ui/Page";

const p = t.profile;

/** Which notices of requests one gets by mail and webhook, and where. */
export function Notices() {
  const view = useQuery(q.notices());
  return (
    <>
      <p className="mb-3 max-w-[65ch] text-sm text-muted">{p.noticesLead}</p>
      {view.error ? <Notice tone="bad" live>{messageOf(view.error)}</Notice> : null}
      {view.data ? <Choice view={view.data} /> : null}
    </>
  );
}

function Choice({ view }: { view: NoticeChoiceView }) {
  const client = useQueryClient();
  const [address, setAddress] = useState(view.choice.address ?? "");
  const [asked, setAsked] = useState(view.choice.asked ?? true);
  const [answered, setAnswered] = useState(view.choice.answered ?? true);
  const save = useMutation({
    meta: { inline: true },
    mutationFn: () => api.noticeChoose({ address: address.trim() || null, asked, answered }),
    onSuccess: (fresh) => {
      client.setQueryData(q.notices().queryKey, fresh);
      toast("ok", p.noticesSaved);
    },
  });
  const wrong = fieldError(save.error, "address");
  return (
    <Panel className="max-w-3xl px-4 py-4">
      <form className="grid gap-3" onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
        <p className="text-sm text-muted">{view.ways.length > 0 ? p.noticesBy(view.ways.join(", ")) : p.noticesNone}</p>
        <TextField label={p.noticesAddress} type="email" optional={t.common.optional} hint={view.given ? p.noticesAddressHint(view.given) : p.noticesNoAddress} value={address} onChange={(event) => setAddress(event.target.value)} error={wrong} maxLength={254} />
        <div>
          <CheckField label={p.noticesAsked} checked={asked} onChange={(event) => setAsked(event.target.checked)} />
          <CheckField label={p.noticesAnswered} checked={answered} onChange={(event) => setAnswered(event.target.checked)} />
        </div>
        {save.error && !wrong ? <Notice tone="bad" live>{messageOf(save.error)}</Notice> : null}
        <div><Button type="submit" look="primary" busy={save.isPending}>{p.noticesSave}</Button></div>
      </form>
    </Panel>
  );
}
