/** The live stream for pages: it keeps what is cached fresh, or says that it cannot. */

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { useSession } from "@/lib/auth/useSession";
import { staleAfter } from "./events";
import { LiveStream, liveState, type LiveState, onLiveEvent } from "./live";
import { watch } from "./watching";

const FALLBACK_MS = 20_000;

/** To be called once, by the shell. */
export function useLiveStream(): void {
  const queries = useQueryClient();
  const email = useSession()?.email;
  const state = useLiveState();
  useEffect(() => {
    if (!email) return undefined;
    const stream = new LiveStream();
    stream.start();
    return () => stream.stop();
  }, [email]);
  useEffect(
    () =>
      onLiveEvent((event) => {
        for (const queryKey of staleAfter(event)) void queries.invalidateQueries({ queryKey });
      }),
    [queries],
  );
  useEffect(() => (state === "away" ? refetchNowAndThen(queries) : undefined), [queries, state]);
}

/** "live" means that nothing needs to be polled for; guests are "off". */
export function useLiveState(): LiveState {
  return useSyncExternalStore(liveState.subscribe, liveState.read);
}

/** Wants the events of this video while the page is shown. */
export function useWatched(videoId: string): void {
  useEffect(() => watch(videoId), [videoId]);
}

function refetchNowAndThen(queries: QueryClient): () => void {
  const timer = setInterval(() => {
    if (document.visibilityState === "visible") void queries.invalidateQueries();
  }, FALLBACK_MS);
  return () => clearInterval(timer);
}
