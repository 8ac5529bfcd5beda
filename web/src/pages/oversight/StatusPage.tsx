import { useQuery } from "@tanstack/react-query";

import { q } from "../../api/queries";
import { Mono } from "../../components/Copy";
import { QueryError } from "../../components/QueryError";
import { Since, When } from "../../components/When";
import { t } from "../../i18n";
import { Badge } from "../../ui/Badge";
import { Notice, Skeleton } from "../../ui/feedback";
import { Facts, Page, Panel, Section } from "../../ui/Page";
import { count } from "../../util/time";

const s = t.status;

export function StatusPage() {
  const status = useQuery({ ...q.status(), refetchInterval: 10_000 });
  const known = status.data;
  return (
    <Page title={s.title} lead={s.lead}>
      {status.isError && !known ? <Panel><QueryError error={status.error} onRetry={() => void status.refetch()} /></Panel> : null}
      {status.isPending ? <Skeleton className="h-40 w-full max-w-3xl" /> : null}
      {known ? (
        <div className="flex max-w-3xl flex-col gap-6">
          {known.problems.length > 0 ? (
            <Notice tone="bad" title={s.problems}><ul>{known.problems.map((problem) => <li key={problem}>{problem}</li>)}</ul></Notice>
          ) : (
            <Notice tone="ok">{s.ready}</Notice>
          )}
          <Section title={s.health}>
            <Panel className="px-4 py-4">
              <Facts
                items={[
                  [s.version, <Mono key="v">{known.version}</Mono>],
                  [s.started, <When key="s" at={known.started_at} seconds />],
                  [s.uptime, <Since key="u" from={known.started_at} />],
                  [s.sessions, count(known.sessions_live)],
                  [s.vault, known.vault_sealed ? <Badge key="b" tone="bad" icon="x">{t.vault.sealed}</Badge> : <Badge key="b" tone="ok" icon="check">{t.vault.unsealed}</Badge>],
                ]}
              />
            </Panel>
          </Section>
          <Section title={s.ledger}>
            <Panel className="px-4 py-4"><Facts items={[[s.leaves, count(known.ledger.size)], [s.signed, count(known.ledger.checkpoint_size)]]} /></Panel>
          </Section>
          <p className="text-sm text-muted">{s.metrics}</p>
        </div>
      ) : null}
    </Page>
  );
}
