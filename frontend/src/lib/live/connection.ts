/** Follows the person's stream for as long as it is wanted, and connects again when it breaks. */

import { open } from "@/lib/api/client";
import { ApiError } from "@/lib/api/errors";
import { eventsOf } from "@/lib/api/sse";
import { pause, pauseAfter } from "./backoff";
import { type LiveEvent, liveEventOf } from "./events";

/** The server beats every 15 s; three missed beats are a dead connection. */
const SILENCE_MS = 45_000;

export interface Follower {
  onEvent: (event: LiveEvent) => void;
  onLive: (live: boolean) => void;
}

/** Where the stream is to go on; kept between connections. */
export interface Place {
  lastEventId: string | null;
}

/** Returns when ``signal`` aborts, or when the server says that this person may not listen. */
export async function follow(
  videoIds: string[],
  place: Place,
  follower: Follower,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 1; ; failures++) {
    try {
      await once(videoIds, place, follower, signal, () => (failures = 0));
    } catch (error) {
      if (isFinal(error)) failures = Infinity;
    }
    if (signal.aborted) return;
    follower.onLive(false);
    if (failures === Infinity) return;
    await pause(pauseAfter(Math.max(1, failures)), signal);
  }
}

async function once(
  videoIds: string[],
  place: Place,
  follower: Follower,
  signal: AbortSignal,
  onConnected: () => void,
): Promise<void> {
  const alarm = silenceAlarm();
  try {
    const headers = place.lastEventId ? { "Last-Event-ID": place.lastEventId } : undefined;
    const either = AbortSignal.any([signal, alarm.signal]);
    const query = { video_id: videoIds };
    const response = await open("get", "/api/stream", { headers, query, signal: either });
    if (!response.body) return;
    for await (const one of eventsOf(response.body, () => alarm.feed())) {
      onConnected();
      follower.onLive(true);
      place.lastEventId = one.id ?? place.lastEventId;
      const event = liveEventOf(one);
      if (event) follower.onEvent(event);
    }
  } finally {
    alarm.stop();
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof ApiError && [401, 403, 404].includes(error.status);
}

/** Aborts when nothing has been heard for too long. */
function silenceAlarm() {
  const controller = new AbortController();
  const ring = () => controller.abort();
  let timer = setTimeout(ring, SILENCE_MS);
  return {
    signal: controller.signal,
    feed() {
      clearTimeout(timer);
      timer = setTimeout(ring, SILENCE_MS);
    },
    stop: () => clearTimeout(timer),
  };
}
