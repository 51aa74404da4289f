/** Cuts a snippet at its highlights. */

export interface Piece {
  text: string;
  marked: boolean;
}

/** The snippet's pieces in order; highlights that overlap or lie outside count as far as they fit. */
export function piecesOf(snippet: string, highlights: [number, number][]): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  const take = (end: number, marked: boolean) => {
    if (end > at) pieces.push({ text: snippet.slice(at, end), marked });
    at = Math.max(at, end);
  };
  for (const [start, end] of highlights.toSorted((a, b) => a[0] - b[0])) {
    take(Math.min(start, snippet.length), false);
    take(Math.min(end, snippet.length), true);
  }
  take(snippet.length, false);
  return pieces;
}
