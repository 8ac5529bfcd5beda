import type { AuditItem } from "../api/nouns";
import { t } from "../i18n";
import { Badge } from "../ui/Badge";
import { Mono } from "./Copy";

type EventNoun = AuditItem["event"];

export function OutcomeBadge({ outcome }: { outcome: EventNoun["outcome"] }) {
  const text = t.audit.outcomes[outcome];
  switch (outcome) {
    case "done": return <Badge tone="plain" icon="check">{text}</Badge>;
    case "intent": return <Badge tone="info" icon="dashed">{text}</Badge>;
    case "failed": return <Badge tone="bad" icon="x">{text}</Badge>;
    case "refused": return <Badge tone="warn" icon="ban">{text}</Badge>;
    case "unknown": return <Badge tone="warn" icon="alert">{text}</Badge>;
  }
}

export function Actor({ actor }: { actor: EventNoun["actor"] }) {
  switch (actor.kind) {
    case "user":
      return <span className="whitespace-nowrap"><Mono>{actor.name}</Mono>{actor.source ? <span className="ml-2 font-mono text-xs text-muted">{actor.source}</span> : null}</span>;
    case "unknown":
      return <span className="whitespace-nowrap text-muted">{t.audit.actors.unknown} <span className="font-mono text-xs">{actor.source}</span></span>;
    case "system": return <span className="text-muted">{t.audit.actors.system}</span>;
    case "console": return <span className="text-muted">{t.audit.actors.console}</span>;
  }
}
