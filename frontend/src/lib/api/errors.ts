/** Every way a request can fail, as an ApiError with a sentence for people. */

interface FieldProblem {
  field: string;
  message: string;
}

/** ``status`` is 0 and ``code`` OFFLINE when no answer came at all; ``message`` is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details?: unknown,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** What is wrong with each field of a form, in words; empty when nothing was said. */
  get fields(): Record<string, string> {
    if (!Array.isArray(this.details)) return {};
    const problems = this.details as FieldProblem[];
    return Object.fromEntries(problems.map(({ field, message }) => [field, inWords(message)]));
  }
}

const SENTENCES: Record<string, string> = {
  UNAUTHORIZED: "Please sign in to do that.",
  FORBIDDEN: "You are not allowed to do that.",
  NOT_FOUND: "This was not found. It may have been deleted.",
  CONFLICT: "This was changed at the same time. Please try again.",
  RATE_LIMIT_EXCEEDED: "Too many requests. Please wait a moment and try again.",
  INTERNAL_ERROR: "Something went wrong on our side. Please try again.",
};
const TECHNICAL = /^(Request (validation|body)|Missing|Unauthorized|Not found$|Internal)/i;

/** Reads the error of an answer, whatever its body is. */
export async function errorOf(response: Response): Promise<ApiError> {
  const { code, message, details } = envelope(await response.text().catch(() => ""));
  const known = code ?? codeOf(response.status);
  const problems = new ApiError(response.status, known, "", details).fields;
  return new ApiError(
    response.status,
    known,
    Object.values(problems)[0] ?? sentence(known, message),
    details,
  );
}

/** The request got no answer. An abort stays what it is, so that queries see it as one. */
export function unreachable(cause: unknown, signal?: AbortSignal): Error {
  if (signal?.aborted && cause instanceof Error) return cause;
  const message = "VidWiz cannot be reached. Check your connection and try again.";
  return new ApiError(0, "OFFLINE", message, undefined, { cause });
}

/** What a form found wrong by itself, in words for people. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** The sentence for anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError || error instanceof Refusal) return error.message;
  return "Something went wrong. Please try again.";
}

function envelope(text: string): { code?: string; message?: string; details?: unknown } {
  try {
    const { error } = JSON.parse(text) as { error?: object };
    return error ?? {};
  } catch {
    return {}; // a proxy's page, or half an answer
  }
}

function sentence(code: string, message?: string): string {
  const fallback = SENTENCES[code] ?? "Something went wrong. Please try again.";
  if (!message || TECHNICAL.test(message)) return fallback;
  return inWords(message);
}

function inWords(message: string): string {
  const words = message
    .replace(/^Value error, /, "")
    .replaceAll("_", " ")
    .trim();
  if (words === "Field required") return "Please fill this in.";
  const start = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

function codeOf(status: number): string {
  const codes: Record<number, string> = {
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    429: "RATE_LIMIT_EXCEEDED",
  };
  return codes[status] ?? (status >= 500 ? "INTERNAL_ERROR" : "BAD_REQUEST");
}
