/** The page's playback, as React sees it. */

import { createContext, use, useSyncExternalStore } from "react";
import type { Moment, Playback } from "./playback";

export const PlaybackContext = createContext<Playback | null>(null);

export function usePlayback(): Playback {
  const playback = use(PlaybackContext);
  if (!playback) throw new Error("usePlayback outside a video's page");
  return playback;
}

/** Something that follows the playback; renders anew only when it changes, so give a primitive. */
export function useMoment<T extends string | number | boolean | null>(
  select: (moment: Moment) => T,
): T {
  const playback = usePlayback();
  return useSyncExternalStore(playback.subscribe, () => select(playback.read()));
}
