/** What a video's metadata may say; workers write it as they found it. */

import { clock } from "./time";

export interface Facts {
  title: string | null;
  channel: string | null;
  /** Such as "12:34". */
  duration: string | null;
  /** The same as a number, where it is one. */
  seconds: number | undefined;
}

export function factsOf(metadata: Record<string, unknown> | null | undefined): Facts {
  const text = (name: string) => {
    const value = metadata?.[name];
    return typeof value === "string" && value.trim() ? value : null;
  };
  const seconds = typeof metadata?.duration === "number" ? metadata.duration : undefined;
  return {
    title: text("title"),
    channel: text("channel") ?? text("uploader"),
    duration: text("duration_string") ?? (seconds === undefined ? null : clock(seconds)),
    seconds,
  };
}

/** What a video is called while nobody knows its title: its id tells it from the others. */
export function nameWithoutTitle(videoId: string): string {
  return `Video ${videoId}`;
}
