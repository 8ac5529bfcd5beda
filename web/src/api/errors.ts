import { t } from "../i18n/first";
import type { Problem, Why } from "./nouns";

/** What every failed call throws: the server's problem, or one made here when no server answered. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field: string | undefined;
  readonly reasons: Why[];
  readonly retryAfter: number | undefined;

  constructor(problem: Partial<Problem> & { status: number; code: string; detail: string }, retryAfter?: number) {
    super(problem.detail);
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code;
    this.field = problem.field ?? undefined;
    this.reasons = problem.reasons ?? [];
    this.retryAfter = retryAfter ?? problem.retry_after_seconds ?? undefined;
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body;
}

/** The error that a response carries; never throws itself. */
export async function errorOf(response: Response): Promise<ApiError> {
  const retry = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfter = Number.isFinite(retry) ? retry : undefined;
  const body: unknown = await response.json().catch(() => null);
  if (isProblem(body)) return new ApiError({ ...body, status: response.status }, retryAfter);
  return new ApiError(
    { status: response.status, code: "unexpected", detail: t.errors.unexpected(response.status) },
    retryAfter,
  );
}

/** Whatever was thrown, as an ApiError. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError({ status: 0, code: "unreachable", detail: t.errors.unreachable });
}

/** What to say about a failed call: policy's reasons if there are any, else the detail. */
export function messageOf(error: unknown): string {
  const known = asApiError(error);
  if (known.reasons.length > 0) return known.reasons.map((why) => why.message).join("; ");
  if (known.code === "throttled" && known.retryAfter) return t.errors.throttled(known.retryAfter);
  return known.message;
}
