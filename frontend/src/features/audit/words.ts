/** Events in words, and what changed between two texts. */

import type { UnsharedTranscript } from "@/lib/api/types";
import { nameWithoutTitle } from "@/lib/metadata";

const LONGEST = 160;

/** An event's fields on one line, cut where it gets long. */
export function inShort(data: Record<string, unknown>): string {
  const line = Object.entries(data)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(" ");
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

/** A value as a person reads it: a text as it is, anything else as JSON. */
export function asText(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

export interface Change {
  kind: "same" | "gone" | "new";
  text: string;
}

const MOST_WORDS = 1500;

/** Word by word, what is the same, gone and new; texts of very many words are replaced whole. */
export function wordChanges(before: string, after: string): Change[] {
  const [old, now] = [wordsOf(before), wordsOf(after)];
  if (Math.max(old.length, now.length) > MOST_WORDS) {
    return joined([gone(before), fresh(after)]);
  }
  const common = longestCommon(old, now);
  const changes: Change[] = [];
  let [i, j] = [0, 0];
  for (const word of [...common, null]) {
    while (i < old.length && old[i] !== word) changes.push(gone(old[i++] ?? ""));
    while (j < now.length && now[j] !== word) changes.push(fresh(now[j++] ?? ""));
    if (word !== null) changes.push({ kind: "same", text: word });
    [i, j] = [i + 1, j + 1];
  }
  return joined(changes);
}

const gone = (text: string): Change => ({ kind: "gone", text });
const fresh = (text: string): Change => ({ kind: "new", text });

/** Words, and the spaces between them. */
function wordsOf(text: string): string[] {
  return text.match(/\s+|\S+/g) ?? [];
}

function longestCommon(a: string[], b: string[]): string[] {
  const best = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  const at = (i: number, j: number) => best[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const length = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      best[i]?.fill(length, j, j + 1);
    }
  }
  const common: string[] = [];
  for (let [i, j] = [0, 0]; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      common.push(a[i++] ?? "");
      j++;
    } else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return common;
}

function joined(changes: Change[]): Change[] {
  const out: Change[] = [];
  for (const change of changes.filter(({ text }) => text)) {
    const last = out.at(-1);
    if (last?.kind === change.kind) last.text += change.text;
    else out.push({ ...change });
  }
  return out;
}

/** What the video of uploaded captions is called. */
export function nameOf({ title, video_id }: UnsharedTranscript): string {
  return title ?? nameWithoutTitle(video_id);
}
