import { useMutation } from "@tanstack/react-query";

import { api } from "../api/client";
import type { Report } from "../api/nouns";
import { FormDialog, fieldError } from "../components/FormDialog";
import { letGo, useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { toast } from "../stores/toast";
import { SelectField, TextArea } from "../ui/Field";

const r = t.reports;

/** Says that one has looked at a report. */
export function ReportReview({ report, onClose }: { report: Report; onClose: () => void }) {
  const [verdict, setVerdict] = useKept("verdict", "accept");
  const [comment, setComment] = useKept("comment", "");
  const review = useMutation({
    meta: { inline: true },
    mutationFn: () => api.reportReview(report.id, { accepted: verdict === "accept", comment: comment.trim() }),
    onSuccess: () => {
      letGo();
      toast("ok", r.reviewDone);
      onClose();
    },
  });
  return (
    <FormDialog title={r.reviewTitle(r.kinds[report.kind])} about={r.reviewBody} submit={r.doReview} busy={review.isPending} error={review.error} fields={["comment"]} onSubmit={() => review.mutate()} onClose={onClose}>
      <SelectField label={r.outcome} value={verdict} onChange={(event) => setVerdict(event.target.value)}>
        <option value="accept">{r.accepted}</option>
        <option value="reject">{r.rejected}</option>
      </SelectField>
      <TextArea label={r.comment} hint={r.commentHint} value={comment} onChange={(event) => setComment(event.target.value)} required maxLength={2000} error={fieldError(review.error, "comment")} />
    </FormDialog>
  );
}
