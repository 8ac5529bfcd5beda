import { useCallback, useEffect, useRef, useState } from "react";

import { api } from "../api/client";
import { asApiError } from "../api/errors";
import type { DocumentsWritten, TextProblem } from "../api/nouns";
import { useKept } from "../hooks/useKept";
import { t } from "../i18n";
import { problemsOf } from "./document";
import type { PolicyDocument, Problems } from "./document";

const TYPING_MS = 250;

export interface Draft {
  document: PolicyDocument;
  text: string;
  /** By field, beside the form. */
  problems: Problems;
  /** By line, beneath the text. */
  textProblems: TextProblem[];
  /** What is wrong and belongs to no field. */
  failure: unknown;
  isChecking: boolean;
  setDocument: (document: PolicyDocument) => void;
  setText: (text: string) => void;
}

/** One policy in two forms, each written from the other by the server as one types, which also says what is wrong. */
export function useDraft(initial: PolicyDocument, written: DocumentsWritten): Draft {
  const [document, showDocument] = useState(initial);
  const [text, showText] = useKept("text", written.text);
  const [problems, setProblems] = useState<Problems>(() => problemsOf(written.problems));
  const [textProblems, setTextProblems] = useState<TextProblem[]>([]);
  const [failure, setFailure] = useState<unknown>();
  const [isChecking, setChecking] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const asked = useRef<AbortController>(undefined);

  const later = useCallback((run: (signal: AbortSignal) => Promise<void>) => {
    clearTimeout(timer.current);
    asked.current?.abort();
    const control = new AbortController();
    asked.current = control;
    setChecking(true);
    timer.current = setTimeout(() => {
      run(control.signal).then(
        () => setChecking(false),
        (error: unknown) => {
          if (control.signal.aborted) return;
          const known = asApiError(error);
          if (known.field) setProblems(problemsOf([{ field: known.field, message: known.message }]));
          else setFailure(known);
          setChecking(false);
        },
      );
    }, TYPING_MS);
  }, []);

  const setDocument = useCallback(
    (next: PolicyDocument) => {
      showDocument(next);
      later(async (signal) => {
        const answer = await api.documentsWrite([next], signal);
        showText(answer.text);
        setProblems(problemsOf(answer.problems));
        setTextProblems([]);
        setFailure(undefined);
      });
    },
    [later, showText],
  );
  const setText = useCallback(
    (next: string) => {
      showText(next);
      later(async (signal) => {
        const read = await api.documentsRead(next, signal);
        setTextProblems(read.problems);
        setProblems(problemsOf(read.problems));
        const [only, second] = read.documents;
        const isOne = only?.kind === "Policy" && !second;
        if (isOne) showDocument(only);
        setFailure(isOne || read.problems.length > 0 ? undefined : new Error(t.policies.oneDocument));
      });
    },
    [later, showText],
  );

  // What was kept over a reload is read anew, as if it were typed now.
  const [found] = useState(text);
  useEffect(() => {
    if (found === written.text) return undefined;
    const soon = setTimeout(() => setText(found), 0);
    return () => clearTimeout(soon);
  }, [found, written.text, setText]);

  useEffect(
    () => () => {
      clearTimeout(timer.current);
      asked.current?.abort();
    },
    [],
  );

  return { document, text, problems, textProblems, failure, isChecking, setDocument, setText };
}
