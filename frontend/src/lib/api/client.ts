/** The only place that calls fetch: typed by the server's OpenAPI, failing with an ApiError. */

import { addressOf } from "@/lib/basePath";
import { admin, guestId, learnTime, session } from "@/lib/auth/credentials";
import { errorOf, unreachable } from "./errors";
import type { Answer, Method, Options, PathsWith, Request } from "./types";

/** Sends a request and gives the JSON of its answer; undefined for an empty one. */
export async function send<M extends Method, P extends PathsWith<M>>(
  method: M,
  path: P,
  options: Options<P, M> = {},
): Promise<Answer<P, M>> {
  const response = await open(method, path, options);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as Answer<P, M>;
}

/** Sends a request and gives the response itself, for streams and files. Throws an ApiError. */
export async function open<M extends Method, P extends PathsWith<M>>(
  method: M,
  path: P,
  options: Options<P, M> = {},
): Promise<Response> {
  const { signal, body, as = "visitor" } = options;
  const token = as === "admin" ? admin.read() : session.read()?.token;
  const response = await fetch(urlOf(path, options), {
    method: method.toUpperCase(),
    headers: headersOf(options, token ?? null),
    body: body === undefined ? undefined : body instanceof Blob ? body : JSON.stringify(body),
    signal,
  }).catch((cause: unknown) => {
    throw unreachable(cause, signal);
  });
  learnTime(response.headers.get("Date"));
  if (response.ok) return response;
  if (token && as === "admin" && [401, 403].includes(response.status)) admin.expire(token);
  else if (token && response.status === 401) session.expire(token);
  throw await errorOf(response);
}

function headersOf({ as, body, headers }: Request, token: string | null): Headers {
  const all = new Headers(headers);
  if (token) all.set("Authorization", `Bearer ${token}`);
  else if (as !== "admin") all.set("X-Guest-Session-ID", guestId());
  if (body !== undefined && !(body instanceof Blob)) all.set("Content-Type", "application/json");
  return all;
}

function urlOf(template: string, { path = {}, query = {} }: Request): string {
  const url = addressOf(template).replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String((path as Record<string, unknown>)[name])),
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query as Record<string, unknown>)) {
    for (const one of [value].flat() as (string | number | boolean | null | undefined)[]) {
      if (one !== undefined && one !== null && one !== "") search.append(name, String(one));
    }
  }
  return search.size ? `${url}?${search}` : url;
}
