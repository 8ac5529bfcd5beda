import { useCallback, useRef, useState } from "react";

import { asApiError, messageOf } from "../api/errors";
import { download, join, upload } from "./transfer";

export interface Transfer {
  id: number;
  folder: string;
  name: string;
  /** What is sent; nothing where a file is fetched. */
  file: File | undefined;
  done: number;
  total: number | undefined;
  state: "moving" | "done" | "failed" | "exists";
  error: string | undefined;
  stop: AbortController;
}

/** The files that are being moved in one session, and those that were. */
export function useTransfers(session: string, onUploaded: () => void) {
  const [transfers, setTransfers] = useState<Transfer[]>([]);
  const last = useRef(0);

  const remove = useCallback((id: number) => setTransfers((all) => all.filter((each) => each.id !== id)), []);

  const move = useCallback(
    ({ folder, name, file, size, overwrite = false }: { folder: string; name: string; file?: File; size: number | undefined; overwrite?: boolean }) => {
      last.current += 1;
      const id = last.current;
      const stop = new AbortController();
      const change = (patch: Partial<Transfer>) => setTransfers((all) => all.map((each) => (each.id === id ? { ...each, ...patch } : each)));
      const progress = (done: number, total: number | undefined) => change({ done, total: total ?? size });
      setTransfers((all) => [{ id, folder, name, file, done: 0, total: size, state: "moving", error: undefined, stop }, ...all]);
      const moving = file ? upload(session, join(folder, name), file, overwrite, progress, stop.signal) : download(session, join(folder, name), name, progress, stop.signal);
      moving.then(
        () => {
          change({ state: "done" });
          if (file) onUploaded();
        },
        (error: unknown) => {
          if (!stop.signal.aborted) change({ state: asApiError(error).code === "exists" ? "exists" : "failed", error: messageOf(error) });
        },
      );
    },
    [session, onUploaded],
  );

  const send = useCallback((folder: string, file: File) => move({ folder, name: file.name, file, size: file.size }), [move]);
  const fetchFile = useCallback((folder: string, name: string, size: number | undefined) => move({ folder, name, size }), [move]);
  const overwrite = useCallback(
    ({ id, folder, name, file }: Transfer) => {
      remove(id);
      if (file) move({ folder, name, file, size: file.size, overwrite: true });
    },
    [move, remove],
  );
  const dismiss = useCallback(
    ({ id, stop }: Transfer) => {
      stop.abort();
      remove(id);
    },
    [remove],
  );
  return { transfers, send, fetchFile, overwrite, dismiss };
}
