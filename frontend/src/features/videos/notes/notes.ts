/** Notes as they are shown: what the server has, and on top what it has not answered yet. Pure. */

import type { Note } from "@/lib/api/types";
import { folded } from "@/lib/folding";
import { secondsOf } from "@/lib/time";

export type Operation =
  | { kind: "add"; key: string; timestamp: string; text: string | null }
  | { kind: "edit"; id: number; text: string; byAi?: boolean }
  | { kind: "delete"; id: number }
  | { kind: "revert"; id: number; version: number | null };

export interface ShownNote {
  /** Of the note while it waits to be saved; the id's text after that. */
  key: string;
  /** Null while it waits to be saved. */
  id: number | null;
  timestamp: string;
  /** Null where the timestamp is no time. */
  seconds: number | null;
  text: string;
  byAi: boolean;
  /** Whether the server has yet to answer a change of it. */
  waiting: boolean;
}

/** The notes by their second, with everything that waits already done. */
export function shown(notes: Note[], waiting: Operation[]): ShownNote[] {
  return waiting.reduce(apply, notes.map(noteOf)).sort(bySecond);
}

/** The server's notes after it has answered an operation with a note, or with nothing. */
export function settled(notes: Note[], operation: Operation, answer: Note | null): Note[] {
  if (operation.kind === "delete") return notes.filter(({ id }) => id !== operation.id);
  if (!answer) return notes;
  const others = notes.filter(({ id }) => id !== answer.id);
  return [...others, answer];
}

/** The notes whose words or time hold every word of the filter. */
export function matching(notes: ShownNote[], filter: string): ShownNote[] {
  const words = folded(filter).text.split(/\s+/).filter(Boolean);
  const holds = ({ text, timestamp }: ShownNote) => {
    const all = folded(`${timestamp} ${text}`).text;
    return words.every((word) => all.includes(word));
  };
  return notes.filter(holds);
}

const NEAR_S = 30;

/** The key of the note nearest to a second, if one is near. */
export function nearest(notes: ShownNote[], seconds: number): string | null {
  let best: { key: string; away: number } | null = null;
  for (const note of notes) {
    if (note.seconds === null) continue;
    const away = Math.abs(note.seconds - seconds);
    if (away <= NEAR_S && (!best || away < best.away)) best = { key: note.key, away };
  }
  return best?.key ?? null;
}

function apply(notes: ShownNote[], operation: Operation): ShownNote[] {
  switch (operation.kind) {
    case "add":
      return [...notes, added(operation)];
    case "edit":
      return notes.map((note) =>
        note.id === operation.id
          ? { ...note, text: operation.text, byAi: operation.byAi ?? false, waiting: true }
          : note,
      );
    case "delete":
      return notes.filter(({ id }) => id !== operation.id);
    case "revert":
      return notes.map((note) => (note.id === operation.id ? { ...note, waiting: true } : note));
  }
}

function added({ key, timestamp, text }: Operation & { kind: "add" }): ShownNote {
  const seconds = secondsOf(timestamp);
  return { key, id: null, timestamp, seconds, text: text ?? "", byAi: false, waiting: true };
}

function noteOf({ id, timestamp, text, generated_by_ai }: Note): ShownNote {
  return {
    key: String(id),
    id,
    timestamp,
    seconds: secondsOf(timestamp),
    text: text ?? "",
    byAi: generated_by_ai,
    waiting: false,
  };
}

function bySecond(a: ShownNote, b: ShownNote): number {
  const [first, second] = [a.seconds ?? Infinity, b.seconds ?? Infinity];
  return first === second ? (a.id ?? Infinity) - (b.id ?? Infinity) || 0 : first - second;
}
