import { useQuery } from "@tanstack/react-query";

import type { DutiesView } from "../api/nouns";
import { q } from "../api/queries";
import { t } from "../i18n";
import { Notice } from "../ui/feedback";
import { Panel, Section } from "../ui/Page";
import { Mono } from "./Copy";

const d = t.policies.duties;

function setText(set: DutiesView["sets"][number]): string {
  const parts: [string, string[]][] = [[d.groups, set.groups ?? []], [d.policies, set.policies ?? []], [d.roles, set.roles ?? []]];
  return parts.filter(([, names]) => names.length > 0).map(([word, names]) => `${word} ${names.join(", ")}`).join("; ");
}

/** What nobody may hold together, and who does. */
export function Duties() {
  const duties = useQuery(q.duties({}));
  const items = duties.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Section title={d.title} aside={<span className="text-xs text-muted">{d.lead}</span>}>
      <Panel>
        <ul aria-label={d.title}>
          {items.map((each) => (
            <li key={each.id} className="border-b px-4 py-3 text-sm last:border-b-0">
              <p><Mono className="font-medium">{each.name}</Mono> <Mono className="text-muted">{each.scope}</Mono></p>
              <p className="mt-0.5 [overflow-wrap:anywhere]">{each.sets.map(setText).join(d.apart)}</p>
              {each.description ? <p className="mt-0.5 text-muted">{each.description}</p> : null}
              {each.waiting ? <p className="mt-1 text-warn">{d.waiting(each.waiting.author)}</p> : null}
              {each.violations.length > 0 ? (
                <div className="mt-2">
                  <Notice tone="warn"><ul>{each.violations.map((found) => <li key={found.user}>{d.holds(found.user, found.one, found.other)}</li>)}</ul></Notice>
                </div>
              ) : null}
            </li>
          ))}
        </ul>
      </Panel>
    </Section>
  );
}
