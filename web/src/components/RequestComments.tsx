import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api } from "../api/client";
import { messageOf } from "../api/errors";
import { q } from "../api/queries";
import { letGo, useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { Button } from "../ui/Button";
import { TextArea } from "../ui/Field";
import { Notice, Skeleton } from "../ui/feedback";
import { Panel, Section } from "../ui/Page";
import { Mono } from "./Copy";
import { QueryError } from "./QueryError";
import { Ago } from "./When";

const TEXT_LEN_MAX = 2000;

/** What people have said to each other about a request, and a place to say more. */
export function RequestComments({ id }: { id: string }) {
  const client = useQueryClient();
  const [text, setText] = useKept("comment", "");
  const said = useQuery(q.requestComments(id));
  const say = useMutation({
    meta: { inline: true },
    mutationFn: () => api.requestComment(id, text.trim()),
    onSuccess: (after) => {
      setText("");
      letGo();
      client.setQueryData(q.requestComments(id).queryKey, after);
    },
  });
  return (
    <Section title={t.requests.comments}>
      <Panel>
        {said.isError ? <QueryError error={said.error} onRetry={() => void said.refetch()} /> : null}
        {said.isPending ? <Skeleton className="h-12 w-full" /> : null}
        {said.data?.comments.length === 0 ? <p className="border-b px-4 py-3 text-sm text-muted">{t.requests.commentsNone}</p> : null}
        <ol aria-label={t.requests.comments}>
          {said.data?.comments.map((each, index) => (
            <li key={index} className="border-b px-4 py-3 text-sm">
              <p><Mono className="font-medium">{each.user}</Mono> <span className="text-muted"><Ago at={each.at} /></span></p>
              <p className="mt-0.5 max-w-[65ch] whitespace-pre-wrap [overflow-wrap:anywhere]">{each.text}</p>
            </li>
          ))}
        </ol>
        <form
          className="px-4 py-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (text.trim() !== "" && !say.isPending) say.mutate();
          }}
        >
          {say.error ? <div className="mb-3"><Notice tone="bad" live>{messageOf(say.error)}</Notice></div> : null}
          <TextArea label={t.requests.comment} hint={t.requests.commentHint} value={text} onChange={(event) => setText(event.target.value)} maxLength={TEXT_LEN_MAX} rows={2} />
          <div className="mt-2 flex justify-end"><Button type="submit" size="sm" busy={say.isPending}>{t.requests.commentSend}</Button></div>
        </form>
      </Panel>
    </Section>
  );
}
