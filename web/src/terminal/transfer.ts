import { addresses, api } from "../api/client";
import { ApiError, asApiError, errorOf } from "../api/errors";

const BLOB_BYTES = 8 * 1024 * 1024;

type Progress = (done: number, total: number | undefined) => void;

/** Sends a file to the session's target. Fails as every call does; `exists` unless it may be written over. */
export function upload(session: string, to: string, file: Blob, overwrite: boolean, progress: Progress, signal: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    // Only this older interface tells how much was sent.
    const request = new XMLHttpRequest();
    request.open("PUT", addresses.upload(session, to, overwrite));
    request.setRequestHeader("content-type", "application/octet-stream");
    request.setRequestHeader("accept", "application/json");
    request.upload.addEventListener("progress", (event) => progress(event.loaded, event.lengthComputable ? event.total : file.size));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) done();
      else void errorOf(new Response(request.responseText, { status: request.status })).then(failed);
    });
    request.addEventListener("error", () => failed(asApiError(undefined)));
    request.addEventListener("abort", () => failed(new DOMException("", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** Fetches a file from the session's target and lets the browser keep it. */
export async function download(session: string, from: string, name: string, progress: Progress, signal: AbortSignal): Promise<void> {
  const response = await api.fileDownload(session, from, signal);
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const total = Number.isFinite(length) ? length : undefined;
  let whole = new Blob();
  let parts: BlobPart[] = [];
  let waiting = 0;
  let received = 0;
  const reader = response.body?.getReader();
  for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) {
    parts.push(step.value);
    waiting += step.value.length;
    received += step.value.length;
    // Browsers keep large blobs outside of the page's memory.
    if (waiting >= BLOB_BYTES) {
      whole = new Blob([whole, ...parts]);
      parts = [];
      waiting = 0;
    }
    progress(received, total);
  }
  if (total !== undefined && received < total) throw new ApiError({ status: 0, code: "unreachable", detail: asApiError(undefined).message });
  const url = URL.createObjectURL(new Blob([whole, ...parts]));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** `a` in `/x` is `/x/a`. */
export function join(folder: string, name: string): string {
  return folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
}

/** The folder that a folder lies in; the root lies in itself. */
export function parent(folder: string): string {
  return folder.slice(0, folder.replace(/\/$/, "").lastIndexOf("/")) || "/";
}
