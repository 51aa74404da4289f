/** What the admin pages ask, with the admin token. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { send } from "@/lib/api/client";
import { keys } from "@/lib/api/keys";
import type { AuditFilters, Rebuild, UnsharedTranscript } from "@/lib/api/types";

const AT_ONCE = 50;
const PROGRESS_MS = 1500;
const HEALTH_MS = 10_000;

/** Events newest first, page by page. */
export function eventsQuery(filters: AuditFilters) {
  return infiniteQueryOptions({
    queryKey: [...keys.audit, "events", filters],
    queryFn: ({ pageParam: before, signal }) =>
      send("get", "/api/audit/events", {
        query: { ...filters, before, order: "desc", limit: AT_ONCE },
        signal,
        as: "admin",
      }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

export function eventQuery(position: string) {
  return queryOptions({
    queryKey: [...keys.audit, "event", position],
    queryFn: ({ signal }) =>
      send("get", "/api/audit/events/{position}", { path: { position }, signal, as: "admin" }),
  });
}

export function causationQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.audit, "correlation", id],
    queryFn: ({ signal }) =>
      send("get", "/api/audit/correlations/{correlation_id}", {
        path: { correlation_id: id },
        signal,
        as: "admin",
      }),
  });
}

/** Transcripts that users uploaded of videos without a shared one, newest first, page by page. */
export const unsharedQuery = infiniteQueryOptions({
  queryKey: [...keys.audit, "unshared"],
  queryFn: ({ pageParam: before, signal }) =>
    send("get", "/api/transcripts/unshared", {
      query: { before, limit: AT_ONCE },
      signal,
      as: "admin",
    }),
  initialPageParam: undefined as number | undefined,
  getNextPageParam: (last) => last.next ?? undefined,
});

/** The words of one of them; another one that came in its place is not found. */
export function uploadedQuery({ video_id, user_id, sha256 }: UnsharedTranscript) {
  return queryOptions({
    queryKey: [...keys.audit, "uploaded", video_id, user_id, sha256],
    queryFn: ({ signal }) =>
      send("get", "/api/videos/{video_id}/transcript", {
        path: { video_id },
        query: { user_id, sha256 },
        signal,
        as: "admin",
      }),
  });
}

export const healthQuery = queryOptions({
  queryKey: [...keys.audit, "health"],
  queryFn: ({ signal }) => send("get", "/api/audit/health", { signal, as: "admin" }),
  refetchInterval: HEALTH_MS,
});

export const rebuildQuery = queryOptions({
  queryKey: [...keys.audit, "rebuild"],
  queryFn: ({ signal }) => send("get", "/api/audit/rebuild", { signal, as: "admin" }),
  refetchInterval: ({ state }) => (state.data && isUnderWay(state.data) ? PROGRESS_MS : false),
});

export function isUnderWay({ state, maintenance }: Rebuild): boolean {
  return state === "running" || maintenance !== null;
}
