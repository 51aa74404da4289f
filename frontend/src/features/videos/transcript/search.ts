/** Searching within a transcript: case and accents do not matter. Pure. */

import { type Folded, folded } from "@/lib/folding";

export interface Match {
  /** The place of its line. */
  line: number;
  /** UTF-16 indices into the line's text. */
  start: number;
  end: number;
}

export function matchesOf(lines: Folded[], query: string): Match[] {
  const wanted = folded(query.trim()).text;
  if (!wanted) return [];
  return lines.flatMap((line, index) => within(line, wanted, index));
}

/** The matches of each line that has some. */
export function byLine(matches: Match[]): Map<number, Match[]> {
  const lines = new Map<number, Match[]>();
  for (const match of matches) lines.set(match.line, [...(lines.get(match.line) ?? []), match]);
  return lines;
}

/** The first match at or behind a line, as a place among the matches; 0 when all are before it. */
export function firstFrom(matches: Match[], line: number): number {
  return Math.max(
    0,
    matches.findIndex((match) => match.line >= line),
  );
}

/** The place of the next match, or (step -1) the previous one, around the ends. */
export function stepped(place: number, step: 1 | -1, count: number): number {
  return count ? (place + step + count) % count : 0;
}

export interface Piece {
  text: string;
  /** Its place among the line's matches; null between them. */
  match: number | null;
}

/** A line's text cut at its matches, which are in order and do not overlap. */
export function pieces(text: string, matches: Match[]): Piece[] {
  const cut: Piece[] = [];
  let done = 0;
  matches.forEach(({ start, end }, match) => {
    cut.push(
      { text: text.slice(done, start), match: null },
      { text: text.slice(start, end), match },
    );
    done = end;
  });
  return [...cut, { text: text.slice(done), match: null }].filter((piece) => piece.text);
}

function within({ text, begins, ends }: Folded, wanted: string, line: number): Match[] {
  const found: Match[] = [];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    const [start = 0, end = 0] = [begins[at], ends[at + wanted.length - 1]];
    if (start >= (found.at(-1)?.end ?? 0)) found.push({ line, start, end });
  }
  return found;
}
