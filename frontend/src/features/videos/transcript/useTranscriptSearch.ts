/** The search within a transcript: what was typed, what was found, and which of it is shown. */

import { useMemo, useState } from "react";
import { folded } from "@/lib/folding";
import { firstFrom, type Match, matchesOf, stepped } from "./search";
import type { Line } from "@/lib/segments";

export interface TranscriptSearch {
  query: string;
  matches: Match[];
  /** The place among the matches of the one that is shown. */
  place: number;
  current: Match | undefined;
  /** Searches, and shows the first match from a line on. */
  type: (query: string, from: number) => Match | undefined;
  step: (step: 1 | -1) => Match | undefined;
}

export function useTranscriptSearch(lines: Line[]): TranscriptSearch {
  const [query, setQuery] = useState("");
  const [place, setPlace] = useState(0);
  const plain = useMemo(() => lines.map(({ text }) => folded(text)), [lines]);
  const matches = useMemo(() => matchesOf(plain, query), [plain, query]);
  return {
    query,
    matches,
    place,
    current: matches[place],
    type: (next, from) => {
      const found = matchesOf(plain, next);
      const first = firstFrom(found, from);
      setQuery(next);
      setPlace(first);
      return found[first];
    },
    step: (step) => {
      const next = stepped(place, step, matches.length);
      setPlace(next);
      return matches[next];
    },
  };
}
