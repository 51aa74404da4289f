/** A note that is being written: its second and its words. It survives a reload, and signing in. */

import { useCallback, useMemo } from "react";
import { readDraft, useDraft, writeDraft } from "@/lib/drafts";

export interface NoteDraft {
  /** Seconds from the start of the video. */
  at: number;
  text: string;
}

/** The second that a note is stamped with, ``lead`` seconds before the one that is shown. */
export function stampAt(seconds: number, lead: number): number {
  return Math.max(0, Math.floor(seconds - lead));
}

/** The draft with more words; one that was begun keeps its second and its words. */
export function extended(draft: NoteDraft | null, more: NoteDraft): NoteDraft {
  if (!draft?.text.trim()) return more;
  if (!more.text) return draft;
  return { at: draft.at, text: `${draft.text.trimEnd()}\n${more.text}` };
}

export function useNoteDraft(
  videoId: string,
): [NoteDraft | null, (next: NoteDraft | null) => void] {
  const [kept] = useDraft(nameOf(videoId));
  const draft = useMemo(() => draftOf(kept), [kept]);
  const change = useCallback((next: NoteDraft | null) => keepDraft(videoId, next), [videoId]);
  return [draft, change];
}

export function readNoteDraft(videoId: string): NoteDraft | null {
  return draftOf(readDraft(nameOf(videoId)));
}

export function keepDraft(videoId: string, draft: NoteDraft | null): void {
  writeDraft(nameOf(videoId), draft ? JSON.stringify(draft) : "");
}

/** The new words of a note that is being edited; null when it is not. */
export function useEdit(noteId: number | null): [string | null, (text: string | null) => void] {
  const [kept] = useDraft(`edit:${noteId ?? ""}`);
  const change = (text: string | null) => noteId !== null && writeEdit(noteId, text);
  return [kept ? (JSON.parse(kept) as string) : null, change];
}

export function writeEdit(noteId: number, text: string | null): void {
  writeDraft(`edit:${noteId}`, text === null ? "" : JSON.stringify(text));
}

const nameOf = (videoId: string) => `note:${videoId}`;

function draftOf(kept: string): NoteDraft | null {
  if (!kept) return null;
  try {
    const { at, text } = JSON.parse(kept) as Partial<NoteDraft>;
    return typeof at === "number" && typeof text === "string" ? { at, text } : null;
  } catch {
    return null; // not one of ours
  }
}
