/** What becomes of a note without words. Pure. */

import type { Progress } from "@/lib/api/types";
import { momentOf } from "@/lib/time";

type PutOff = Progress["ai_notes"];

export interface EmptyNotes {
  /** Under the field of a new note. */
  hint: string;
  /** In place of the words of one that is saved, by its id. */
  textOf: (id: number | null) => string;
  /** Whether AI may write it any moment. */
  awaitsAi: boolean;
}

/** ``aiNotes`` is what the person chose; undefined while it is not known, or for a guest. */
export function emptyNotes(
  aiNotes: boolean | undefined,
  hasTranscript: boolean,
  putOff?: PutOff,
): EmptyNotes {
  if (!aiNotes) {
    return {
      hint: "Leave it empty to keep only the time.",
      textOf: () => "Only the time.",
      awaitsAi: false,
    };
  }
  if (!hasTranscript) {
    return {
      hint: "Leave it empty: AI writes it once the transcript is there.",
      textOf: () => "AI writes this once the transcript is there.",
      awaitsAi: true,
    };
  }
  return {
    hint: "Leave it empty: AI writes this note.",
    textOf: (id) => laterOf(id, putOff) ?? "AI is writing this…",
    awaitsAi: true,
  };
}

function laterOf(id: number | null, putOff: PutOff | undefined): string | null {
  if (id === null || !putOff?.put_off.includes(id)) return null;
  const at = putOff.next_try_at;
  return [putOff.message, at && `Next try at ${momentOf(at)}.`].filter(Boolean).join(" ");
}
