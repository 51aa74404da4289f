/** Asks a question; the answer is followed by its turn from then on. */

import { open, send } from "@/lib/api/client";
import { ApiError, Refusal } from "@/lib/api/errors";

export interface Asked {
  turnId: number;
  conversationId: number;
  question: string;
}

/** A question for a conversation, or for a new one. */
export interface Question {
  text: string;
  conversationId: number | null;
  /** The newest id that was known before: a turn's of the conversation, or a conversation's. */
  newest: number;
}

/** Throws an ApiError, or a Refusal while the transcript is still on its way. */
export async function ask(videoId: string, question: Question): Promise<Asked> {
  const { text, conversationId } = question;
  const response = await open("post", "/api/wiz/chat", {
    body: { video_id: videoId, message: text, conversation_id: conversationId },
  });
  void response.body?.cancel();
  if (response.status === 202) {
    throw new Refusal(
      "The transcript is still on its way. Your question stays here: ask again in a moment.",
    );
  }
  return {
    turnId: Number(response.headers.get("X-Wiz-Turn-ID")),
    conversationId: Number(response.headers.get("X-Wiz-Conversation-ID")),
    question: text,
  };
}

/** Whether the server may have taken a question although it failed. */
export function isDoubtful(error: Error | null): boolean {
  return error instanceof ApiError && error.status === 0;
}

/** The question's turn, if it arrived although no answer came. Throws an ApiError. */
export async function arrived(videoId: string, question: Question): Promise<Asked | null> {
  const id = question.conversationId ?? (await newestConversation(videoId));
  if (!id || (question.conversationId === null && id <= question.newest)) return null;
  const path = { conversation_id: id };
  const { turns, messages } = await send("get", "/api/wiz/conversations/{conversation_id}", {
    path,
  });
  const turnId = turns.at(-1)?.turn_id;
  const isIt = messages.some((one) => one.id === turnId && one.content === question.text);
  if (!turnId || !isIt || (question.conversationId !== null && turnId <= question.newest)) {
    return null;
  }
  return { turnId, conversationId: id, question: question.text };
}

async function newestConversation(videoId: string): Promise<number | undefined> {
  const query = { video_id: videoId };
  const { conversations } = await send("get", "/api/wiz/conversations", { query });
  return conversations[0]?.conversation_id;
}
