import { ApiError, asApiError, errorOf } from "./errors";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Query = Record<string, string | number | boolean | undefined | null>;

interface Options {
  query?: Query;
  body?: unknown;
  signal?: AbortSignal;
  /** Nobody needs to be signed in for it. */
  anonymous?: boolean;
}

interface Hooks {
  /** Asks for a fresh factor, or for a passkey; true when it was proved and the call may be tried again. */
  stepUp: (what: "factor" | "passkey") => Promise<boolean>;
  /** The sign-in has ended; true when there is one again and the call may be tried again. */
  signIn: () => Promise<boolean>;
}

const hooks: Hooks = { stepUp: async () => false, signIn: async () => false };

/** Tells the client what to do when a call needs a fresh factor or a sign-in. */
export function onHttp(given: Partial<Hooks>): void {
  Object.assign(hooks, given);
}

/** `/v1` path from a template's parts; every part is escaped. */
export function path(...parts: (string | number)[]): string {
  return `/v1/${parts.map((part) => encodeURIComponent(part)).join("/")}`;
}

export function withQuery(url: string, query?: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== "") params.set(name, String(value));
  }
  const text = params.toString();
  return text ? `${url}?${text}` : url;
}

async function send(method: Method, url: string, options: Options, key: string | undefined): Promise<Response> {
  const headers = new Headers({ accept: "application/json" });
  const raw = options.body instanceof Blob;
  if (options.body !== undefined) headers.set("content-type", raw ? "application/octet-stream" : "application/json");
  if (key) headers.set("idempotency-key", key);
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (options.body instanceof Blob) init.body = options.body;
  else if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;
  try {
    return await fetch(withQuery(url, options.query), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw asApiError(error);
  }
}

/** One call, as a Response that is known to be good; a sign-in and a fresh factor are asked for once where wanted. */
export async function call(method: Method, url: string, options: Options = {}): Promise<Response> {
  let answer = await send(method, url, options, keyFor(method));
  if (answer.ok) return answer;
  let error = await errorOf(answer);
  if (error.status === 401 && error.code === "unauthenticated" && !options.anonymous && (await hooks.signIn())) {
    answer = await send(method, url, options, keyFor(method));
    if (answer.ok) return answer;
    error = await errorOf(answer);
  }
  // A code may be fresh enough and still not be the passkey that is wanted: then there are two questions.
  for (let asked = 0; asked < 2; asked += 1) {
    const wanted = factorWanted(error);
    if (!wanted || !(await hooks.stepUp(wanted))) break;
    answer = await send(method, url, options, keyFor(method));
    if (answer.ok) return answer;
    error = await errorOf(answer);
  }
  throw error;
}

function factorWanted(error: ApiError): "factor" | "passkey" | undefined {
  if (error.reasons.some((why) => "code" in why && why.code === "passkey_required")) return "passkey";
  return error.status === 428 ? "factor" : undefined;
}

// A new key for each attempt: the answer "prove a factor first" is remembered under the old one.
function keyFor(method: Method): string | undefined {
  return method === "GET" ? undefined : crypto.randomUUID();
}

export async function json<T>(method: Method, url: string, options: Options = {}): Promise<T> {
  const response = await call(method, url, options);
  return response.json();
}

export async function nothing(method: Method, url: string, options: Options = {}): Promise<void> {
  await call(method, url, options);
}

export { ApiError };
