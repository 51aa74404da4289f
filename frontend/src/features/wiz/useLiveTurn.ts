/** A turn as it is answered. */

import { useEffect, useEffectEvent, useState } from "react";
import { follow } from "./follow";
import { START, type Turn } from "./turn";

/** Follows the turn, if there is one, and calls ``onEnd`` when it has ended. */
export function useLiveTurn(turnId: number | null, onEnd: () => void): Turn {
  const [seen, setSeen] = useState<{ turnId: number; turn: Turn } | null>(null);
  const ended = useEffectEvent(onEnd);
  useEffect(() => {
    if (turnId === null) return undefined;
    const stop = new AbortController();
    const onChange = (turn: Turn) => {
      setSeen({ turnId, turn });
      if (turn.status !== "answering") ended();
    };
    void follow(turnId, onChange, stop.signal);
    return () => stop.abort();
  }, [turnId]);
  return seen && seen.turnId === turnId ? seen.turn : START;
}
