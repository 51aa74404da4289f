/** Answers that are no JSON, or do not come: laid over those of ``serve``. */

import { vi } from "vitest";

export type Answering = (request: RequestInit) => Response | Promise<Response>;

/** By method and path; call it behind ``serve``. */
export function override(answers: Record<string, Answering>): void {
  const json = window.fetch.bind(window);
  vi.stubGlobal("fetch", (path: string, request: RequestInit) => {
    const answer = answers[`${request.method ?? "GET"} ${path.split("?")[0] ?? ""}`];
    return answer ? Promise.resolve(request).then(answer) : json(path, request);
  });
}

/** An answer that never comes. */
export const never: Answering = () => new Promise<Response>(() => undefined);
