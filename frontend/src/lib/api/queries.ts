/** Queries that more than one feature asks. */

import { queryOptions } from "@tanstack/react-query";
import { send } from "./client";
import { ApiError } from "./errors";
import { keys } from "./keys";

export const configQuery = queryOptions({
  queryKey: keys.config,
  queryFn: ({ signal }) => send("get", "/api/config", { signal }),
  staleTime: Infinity,
});

export const profileQuery = queryOptions({
  queryKey: keys.profile,
  queryFn: ({ signal }) => send("get", "/api/user/profile", { signal }),
});

/** The videos that the signed-in person opened or noted, on any device, the latest first. */
export function videosQuery(page = 1) {
  return queryOptions({
    queryKey: keys.videos(page),
    queryFn: ({ signal }) => send("get", "/api/library", { query: { page, per_page: 12 }, signal }),
  });
}

/** Whether to ask again: after a lost connection or a server's fault, twice, and nothing else. */
export function retriable(failures: number, error: Error): boolean {
  const again = error instanceof ApiError && (error.status === 0 || error.status >= 500);
  return again && failures < 2;
}
