/** An answer as it arrives: events of its stream in, what there is of it out. Pure. */

import type { ServerEvent } from "@/lib/api/sse";
import type { Citation } from "./citations";

export interface Turn {
  content: string;
  citations: Citation[];
  /** Code points of the content. */
  characters: number;
  status: "answering" | "completed" | "stopped" | "failed";
  /** Why it failed, in words. */
  problem: string | null;
}

export const START: Turn = {
  content: "",
  citations: [],
  characters: 0,
  status: "answering",
  problem: null,
};

/** The turn after an event. What was seen before, or leaves a gap, or follows its end, changes nothing. */
export function after(turn: Turn, event: ServerEvent): Turn {
  const place = placeOf(event.id);
  if (turn.status !== "answering" || !place) return turn;
  switch (event.event) {
    case "delta":
      return longer(turn, contentOf(event), place.characters);
    case "citation":
      if (place.citations !== turn.citations.length + 1) return turn;
      return { ...turn, citations: [...turn.citations, JSON.parse(event.data) as Citation] };
    case "completed":
    case "stopped":
      return { ...turn, status: event.event };
    case "failed":
      return { ...turn, status: "failed", problem: messageOf(event) };
    default:
      return turn;
  }
}

/** Where the stream goes on for whoever has seen this much. */
export function lastEventId({ characters, citations }: Turn): string | null {
  return characters || citations.length ? `${characters}.${citations.length}` : null;
}

function longer(turn: Turn, piece: string[], upTo: number): Turn {
  const known = turn.characters - (upTo - piece.length);
  if (known < 0 || known >= piece.length) return turn;
  const content = turn.content + piece.slice(known).join("");
  return { ...turn, content, characters: upTo };
}

function placeOf(id: string | undefined): { characters: number; citations: number } | null {
  const [, characters, citations] = /^(\d+)\.(\d+)(?:\.end)?$/.exec(id ?? "") ?? [];
  if (!characters || !citations) return null;
  return { characters: Number(characters), citations: Number(citations) };
}

/** The code points of a delta's text. */
function contentOf({ data }: ServerEvent): string[] {
  return Array.from((JSON.parse(data) as { content: string }).content);
}

function messageOf({ data }: ServerEvent): string {
  const { message } = JSON.parse(data) as { message?: string };
  return message ?? "The answer could not be finished.";
}
