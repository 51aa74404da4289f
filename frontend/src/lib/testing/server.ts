/** A server for tests of pages: answers requests by method and path, and remembers them. */

import { vi } from "vitest";

export interface Asked {
  method: string;
  url: URL;
  headers: Headers;
  body: unknown;
}

/** A status with the JSON of the answer; a function decides by the request. */
type Answer = [status: number, json: unknown];
export type Answers = Record<string, Answer | ((asked: Asked) => Answer)>;

/** Answers such as ``{"GET /api/search": [200, {...}]}``; anything else is 404. Gives what was asked. */
export function serve(answers: Answers): Asked[] {
  const all: Asked[] = [];
  vi.stubGlobal("fetch", (path: string, request: RequestInit) => {
    const asked = askedOf(path, request);
    all.push(asked);
    const answer = answers[`${asked.method} ${asked.url.pathname}`] ?? NOT_FOUND;
    const [status, json] = typeof answer === "function" ? answer(asked) : answer;
    return Promise.resolve(Response.json(json, { status }));
  });
  return all;
}

export function refusal(status: number, code: string, message: string, details?: unknown): Answer {
  return [status, { error: { code, message, details } }];
}

const NOT_FOUND = refusal(404, "NOT_FOUND", "Not found");

function askedOf(path: string, { method = "GET", headers, body }: RequestInit): Asked {
  return {
    method,
    url: new URL(path, location.origin),
    headers: new Headers(headers),
    body: typeof body === "string" ? (JSON.parse(body) as unknown) : body,
  };
}
