/** A transcript as it is shown: lines by their second, and which of them is being said. Pure. */

import type { TranscriptItem } from "@/lib/api/types";
import { clock } from "@/lib/time";

export interface Line {
  /** Seconds from the start of the video. */
  at: number;
  time: string;
  text: string;
}

/** The lines by their second; one without a second stands where the one before it stands. */
export function linesOf(items: TranscriptItem[]): Line[] {
  let at = 0;
  const lines = items.map(({ offset, text }) => {
    at = typeof offset === "number" && Number.isFinite(offset) ? Math.max(0, offset) : at;
    return { at, time: clock(at), text: text.replace(/\s+/g, " ").trim() };
  });
  return lines.filter(({ text }) => text).sort((a, b) => a.at - b.at);
}

/**
 * The place of the line that is being said at a second; -1 before the first. A line begins with its
 * whole second: links, notes and YouTube's own start know no fractions, and lead to it.
 */
export function lineAt(lines: Line[], seconds: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Math.floor(lines[middle]?.at ?? Infinity) <= seconds) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The transcript as text, to be pasted elsewhere. */
export function textOf(lines: Line[]): string {
  return lines.map(({ time, text }) => `${time} ${text}`).join("\n");
}
