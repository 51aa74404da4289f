/** What becomes of a note without words. Pure. */

export interface EmptyNotes {
  /** Under the field of a new note. */
  hint: string;
  /** In place of the words of one that is saved. */
  text: string;
  /** Whether AI may write it any moment. */
  awaitsAi: boolean;
}

/** ``aiNotes`` is what the person chose; undefined while it is not known, or for a guest. */
export function emptyNotes(aiNotes: boolean | undefined, hasTranscript: boolean): EmptyNotes {
  if (!aiNotes) {
    return {
      hint: "Leave it empty to keep only the time.",
      text: "Only the time.",
      awaitsAi: false,
    };
  }
  if (!hasTranscript) {
    const text = "AI writes this once the transcript is there.";
    return {
      hint: "Leave it empty: AI writes it once the transcript is there.",
      text,
      awaitsAi: true,
    };
  }
  return {
    hint: "Leave it empty: AI writes this note.",
    text: "AI is writing this…",
    awaitsAi: true,
  };
}
