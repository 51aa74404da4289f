/** Asks a question; the answer is followed by its turn from then on. */

import { open } from "@/lib/api/client";
import { Refusal } from "@/lib/api/errors";

export interface Asked {
  turnId: number;
  conversationId: number;
  question: string;
}

/** Throws an ApiError, or a Refusal while the transcript is still on its way. */
export async function ask(
  videoId: string,
  question: string,
  conversationId: number | null,
): Promise<Asked> {
  const response = await open("post", "/api/wiz/chat", {
    body: { video_id: videoId, message: question, conversation_id: conversationId },
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
    question,
  };
}
