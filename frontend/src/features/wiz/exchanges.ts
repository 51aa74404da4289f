/** A conversation as questions with their answers, whatever state each is in. Pure. */

import type { Conversation } from "@/lib/api/types";
import type { Citation } from "./citations";
import type { Turn } from "./turn";

export interface Exchange {
  key: string;
  question: string;
  content: string;
  citations: Citation[];
  status: "asking" | Turn["status"];
  /** Why there is no (whole) answer, in words. */
  problem: string | null;
}

const UNFINISHED = "The answer could not be finished.";

export function exchangesOf({ turns, messages }: Conversation): Exchange[] {
  const byId = new Map(messages.map((message) => [message.id, message]));
  return turns.flatMap(({ turn_id, status, answer_id, partial }) => {
    const question = byId.get(turn_id);
    const answer = answer_id === null ? undefined : byId.get(answer_id);
    if (!question) return []; // older than what the server gives
    return {
      key: String(turn_id),
      question: question.content,
      content: answer?.content ?? partial ?? "",
      citations: answer?.citations ?? [],
      status,
      problem: status === "failed" ? UNFINISHED : null,
    };
  });
}

/** With a turn as it arrives in place of what was stored of it; a stored answer is the truth. */
export function withLive(
  exchanges: Exchange[],
  live: { turnId: number; question: string; turn: Turn } | null,
): Exchange[] {
  if (!live) return exchanges;
  const key = String(live.turnId);
  const stored = exchanges.find((one) => one.key === key);
  if (stored && isAnswered(stored)) return exchanges;
  const { content, citations, status, problem } = live.turn;
  if (stored?.status === "failed" && !problem) return exchanges;
  const question = stored?.question ?? live.question;
  const now = { key, question, content, citations, status, problem };
  return stored ? exchanges.map((one) => (one === stored ? now : one)) : [...exchanges, now];
}

const isAnswered = ({ status }: Exchange) => status === "completed" || status === "stopped";

/** With a question that the server has not accepted yet. */
export function withAsked(exchanges: Exchange[], question: string | null): Exchange[] {
  if (question === null) return exchanges;
  const asked = { content: "", citations: [], status: "asking" as const, problem: null };
  return [...exchanges, { key: "asking", question, ...asked }];
}

/** The turn that is being answered, which a page that was reloaded goes on following. */
export function answering(conversation: Conversation | undefined): number | null {
  return conversation?.turns.find(({ status }) => status === "answering")?.turn_id ?? null;
}
