import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";

import { answer } from "./server.ts";
import { frames } from "./recording.ts";

// What the server sends, so that a style or a script that it would refuse is seen here.
export const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const value: unknown = text ? JSON.parse(text) : {};
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function feed(response: ServerResponse) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": hello\n\n");
}

function watch(response: ServerResponse) {
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  const rest = frames();
  const step = () => {
    const next = rest.shift();
    if (!next || response.destroyed) return;
    response.write(`${JSON.stringify(next.frame)}\n`);
    setTimeout(step, Math.min(next.after, 0.3) * 1000);
  };
  step();
}

const handle: Connect.NextHandleFunction = (request, response, next) => {
  const url = new URL(request.url ?? "/", "http://mock");
  if (!url.pathname.startsWith("/v1/")) {
    next();
    return;
  }
  const as = /(?:^|;\s*)mock=([\w-]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "admin";
  if (url.pathname === "/v1/feed" && as !== "nobody") return feed(response);
  if (url.pathname.endsWith("/watch")) return watch(response);
  void bodyOf(request).then((body) => {
    const { status, body: given, media } = answer({ method: request.method ?? "GET", parts: url.pathname.split("/").slice(2).map(decodeURIComponent), query: url.searchParams, body, as });
    const problem = status >= 400 ? "application/problem+json" : "application/json";
    response.writeHead(status, { "content-type": media ?? problem, "cache-control": "no-store" });
    response.end(given === undefined ? undefined : media ? String(given) : JSON.stringify(given));
  }, next);
};

/** Answers `/v1` from memory, in development and for pictures only. */
export function mock(): Plugin {
  return {
    name: "postern-mock",
    configureServer: (server) => {
      server.middlewares.use(handle);
    },
    configurePreviewServer: (server) => {
      server.middlewares.use((_request, response, next) => {
        response.setHeader("content-security-policy", CONTENT_SECURITY_POLICY);
        next();
      });
      server.middlewares.use(handle);
    },
  };
}
