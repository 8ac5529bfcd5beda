import { useId } from "react";

import { CopyButton } from "../components/Copy";
import { t } from "../i18n";
import { Spinner } from "../ui/Spinner";
import type { Draft } from "./useDraft";

/** The policy as the text that `postern apply` takes; what is wrong with it stands beneath, with its line. */
export function PolicyText({ draft: { text, textProblems, isChecking, setText } }: { draft: Draft }) {
  const id = useId();
  const lines = Math.max(24, text.split("\n").length + 1);
  return (
    <section className="flex min-w-0 flex-col">
      <div className="mb-2 flex min-h-7 items-center gap-2">
        <label htmlFor={id} className="flex-1 text-sm font-semibold">{t.policies.text}</label>
        {isChecking ? <Spinner label={t.policies.checking} /> : null}
        <CopyButton text={text} label={t.policies.copy} />
      </div>
      <textarea id={id} value={text} onChange={(event) => setText(event.target.value)} rows={lines} spellCheck={false} aria-invalid={textProblems.length > 0 || undefined} aria-describedby={`${id}-problems`} wrap="off" className="w-full resize-y rounded-lg border border-line-strong/60 bg-surface px-4 py-3 font-mono text-xs leading-5 aria-invalid:border-bad" />
      <ul id={`${id}-problems`} aria-live="polite" className="mt-2 space-y-1 text-sm text-bad">
        {textProblems.map((problem) => <li key={`${problem.line}${problem.message}`}><span className="font-mono text-xs">{t.policies.line(problem.line)}</span> {problem.field ? <span className="font-mono text-xs">{problem.field.replace("Policy.", "")}: </span> : null}{problem.message}</li>)}
      </ul>
      <p className="mt-1 text-xs text-muted">{t.policies.applyHint}</p>
    </section>
  );
}
