import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { api } from "../api/client";
import { FormDialog, fieldError, names } from "../components/FormDialog";
import { useKept } from "../hooks/useKept";
import { useWho } from "../hooks/useWho";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { CheckField, TextField } from "../ui/Field";
import { pb } from "../util/path-builder";

const r = t.reviews;
const DAY_SECONDS = 86_400;

function labels(text: string): Record<string, string> {
  return Object.fromEntries(names(text).map((pair): [string, string] => { const [key = "", ...rest] = pair.split("="); return [key, rest.join("=")]; }));
}

/** Starts a review of what there is now. */
export function ReviewStart({ onClose }: { onClose: () => void }) {
  const who = useWho();
  const navigate = useNavigate();
  const [name, setName] = useKept("name", "");
  const [scope, setScope] = useKept("scope", who.user.scope);
  const [withLabels, setLabels] = useKept("labels", "");
  const [policies, setPolicies] = useKept("policies", "");
  const [groups, setGroups] = useKept("groups", "");
  const [users, setUsers] = useKept("users", "");
  const [reviewerGroups, setReviewerGroups] = useKept("reviewerGroups", "");
  const [owners, setOwners] = useKept("owners", true);
  const [days, setDays] = useKept("days", "14");
  const [every, setEvery] = useKept("every", "");
  const [keep, setKeep] = useKept("keep", false);
  const start = useMutation({
    meta: { inline: true },
    mutationFn: () =>
      api.reviewStart({
        name: name.trim(),
        scope,
        plan: {
          labels: labels(withLabels), policies: names(policies), groups: names(groups), kinds: [],
          reviewers: { users: names(users), groups: names(reviewerGroups), owners },
          seconds: Math.round(Number(days) * DAY_SECONDS), every_days: every ? Number(every) : null, unanswered: keep ? "keep" : "revoke",
        },
      }),
    onSuccess: (review) => {
      toast("ok", review.left_out > 0 ? r.startedLess(review.counts.items, review.left_out) : r.startedDone(review.counts.items));
      void navigate({ to: pb.review(review.id) });
    },
  });
  const error = (field: string) => fieldError(start.error, field);
  return (
    <FormDialog wide title={r.createTitle} about={r.createBody} submit={r.start} busy={start.isPending} error={start.error} fields={["name", "scope", "plan.policies", "plan.groups", "plan.reviewers.users", "plan.reviewers.groups", "plan.seconds", "plan.every_days"]} onSubmit={() => start.mutate()} onClose={onClose}>
      <div className="grid gap-x-5 sm:grid-cols-2 [&>div]:mt-4!">
        <TextField label={r.name} value={name} onChange={(event) => setName(event.target.value)} required autoFocus maxLength={120} error={error("name")} />
        <TextField label={r.scope} mono value={scope} onChange={(event) => setScope(event.target.value)} required pattern="/.*" error={error("scope")} />
        <TextField label={r.reviewers} mono value={users} onChange={(event) => setUsers(event.target.value)} spellCheck={false} error={error("plan.reviewers.users")} />
        <TextField label={r.reviewerGroups} mono value={reviewerGroups} onChange={(event) => setReviewerGroups(event.target.value)} spellCheck={false} error={error("plan.reviewers.groups")} />
      </div>
      <div className="mt-3"><CheckField label={r.owners} checked={owners} onChange={(event) => setOwners(event.target.checked)} /></div>
      <div className="grid gap-x-5 sm:grid-cols-2 [&>div]:mt-4!">
        <TextField label={r.labels} hint={r.labelsHint} mono value={withLabels} onChange={(event) => setLabels(event.target.value)} spellCheck={false} />
        <TextField label={r.policies} hint={r.anyHint} mono value={policies} onChange={(event) => setPolicies(event.target.value)} spellCheck={false} error={error("plan.policies")} />
        <TextField label={r.groups} hint={r.anyHint} mono value={groups} onChange={(event) => setGroups(event.target.value)} spellCheck={false} error={error("plan.groups")} />
        <TextField label={r.days} type="number" min={1} max={366} required value={days} onChange={(event) => setDays(event.target.value)} error={error("plan.seconds")} />
        <TextField label={r.every} hint={r.everyHint} type="number" min={1} max={1098} value={every} onChange={(event) => setEvery(event.target.value)} error={error("plan.every_days")} />
      </div>
      <div className="mt-4"><CheckField label={r.keepUnanswered} hint={r.keepUnansweredHint} checked={keep} onChange={(event) => setKeep(event.target.checked)} /></div>
    </FormDialog>
  );
}
