/** What the live stream tells, and which cached answers each event makes old. */

import type { QueryKey } from "@tanstack/react-query";
import type { ServerEvent } from "@/lib/api/sse";
import { keys } from "@/lib/api/keys";

export type LiveEvent =
  | { kind: "hello" | "reset" | "profile" }
  | {
      kind: "note";
      type: "added" | "edited" | "deleted" | "restored";
      note_id: number;
      video_id: string;
    }
  | {
      kind: "video";
      what: "transcript" | "metadata" | "summary" | "added" | "opened";
      video_id: string;
    }
  | { kind: "task"; task_type: string; status: string; reason: string | null; video_id: string }
  | { kind: "turn"; turn_id: number; conversation_id: number; status: string; video_id: string };

const KINDS = ["hello", "reset", "profile", "note", "video", "task", "turn"];

/** The event, or null for a kind that a newer server may have. */
export function liveEventOf({ event, data }: ServerEvent): LiveEvent | null {
  if (!KINDS.includes(event)) return null;
  return { ...(JSON.parse(data) as object), kind: event } as LiveEvent;
}

/** The keys of what is to be fetched anew; an empty key means everything. */
export function staleAfter(event: LiveEvent): QueryKey[] {
  switch (event.kind) {
    case "hello":
      return [];
    case "reset":
      return [[]];
    case "profile":
      return [keys.profile];
    case "note":
      return [keys.notes(event.video_id), keys.library];
    case "video":
      return [keys.about(event.video_id), keys.library];
    case "task":
      return [keys.progress(event.video_id)];
    case "turn":
      return [keys.conversations(event.video_id), keys.quota];
  }
}
