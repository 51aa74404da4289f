/** Follows a turn's stream to its end, connecting again where it broke off. */

import { open } from "@/lib/api/client";
import { ApiError, messageOf } from "@/lib/api/errors";
import { eventsOf } from "@/lib/api/sse";
import { pause, pauseAfter } from "@/lib/live/backoff";
import { after, lastEventId, START, type Turn } from "./turn";

/** Tells every change of the turn, and resolves when it has ended or ``signal`` aborts. */
export async function follow(
  turnId: number,
  onChange: (turn: Turn) => void,
  signal: AbortSignal,
): Promise<void> {
  let turn = START;
  const become = (next: Turn) => {
    if (next !== turn && !signal.aborted) onChange(next);
    turn = next;
  };
  const goesOn = () => turn.status === "answering" && !signal.aborted;
  for (let failures = 1; goesOn(); failures++) {
    try {
      for await (const event of await streamOf(turnId, turn, signal)) {
        become(after(turn, event));
        if (!goesOn()) return;
        failures = 0;
      }
    } catch (error) {
      if (isFinal(error)) become({ ...turn, status: "failed", problem: messageOf(error) });
    }
    if (goesOn()) await pause(pauseAfter(Math.max(1, failures)), signal);
  }
}

async function streamOf(turnId: number, turn: Turn, signal: AbortSignal) {
  const seen = lastEventId(turn);
  const response = await open("get", "/api/wiz/turns/{turn_id}/stream", {
    path: { turn_id: turnId },
    headers: seen ? { "Last-Event-ID": seen } : undefined,
    signal,
  });
  return eventsOf(response.body ?? new ReadableStream());
}

function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500;
}
