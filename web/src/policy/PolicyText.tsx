import { useId } from "react";

import { CopyButton } from "../components/Copy";
import { t } from "../i18n";
import { Spinner } from "../ui/Spinner";
import type { Draft } from "./useDraft";

/** The policy as the text that `postern apply` takes; what is wrong with it stands beneath, with its line. */
export function PolicyText({ draft: { text, textProblems, isChecking, setText } }: { draft: Draft }) {
  const id = useId();
  return (
    <section className="flex min-w-0 flex-col self-start lg:sticky lg:top-4">
      <div className="mb-2 flex min-h-7 items-center gap-2">
        <label htmlFor={id} className="flex-1 text-sm font-semibold">{t.policies.text}</label>
        {isChecking ? <Spinner label={t.policies.checking} /> : null}
        <CopyButton text={text} label={t.policies.copy} />
      </div>
      <ul id={`${id}-problems`} aria-live="polite" className="space-y-1 text-sm text-bad not-empty:mb-2">
        {textProblems.map((problem) => <li key={`${problem.line}${problem.message}`}><span className="font-mono text-xs">{t.policies.line(problem.line)}</span> {problem.field ? <span className="font-mono text-xs">{problem.field.replace("Policy.", "")}: </span> : null}{problem.message}</li>)}
      </ul>
      <textarea id={id} value={text} onChange={(event) => setText(event.target.value)} spellCheck={false} aria-invalid={textProblems.length > 0 || undefined} aria-describedby={`${id}-problems`} wrap="off" className="h-[calc(100dvh-12rem)] min-h-96 w-full resize-y rounded-lg border border-line-strong/60 bg-surface px-4 py-3 font-mono text-xs leading-5 aria-invalid:border-bad" />
      <p className="mt-1 text-xs text-muted">{t.policies.applyHint}</p>
    </section>
  );
}
