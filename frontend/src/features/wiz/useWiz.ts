/** A talk with Wiz about a video: asking, following the answer, stopping it. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "@/lib/api/client";
import { messageOf } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";
import { readDraft, useDraft } from "@/lib/drafts";
import { toast } from "@/lib/toasts";
import { ask, type Asked } from "./ask";
import { answering, exchangesOf, withAsked, withLive } from "./exchanges";
import { useConversation } from "./useConversation";
import { useLiveTurn } from "./useLiveTurn";

export function useWiz(videoId: string) {
  const talk = useConversation(videoId);
  const draft = `question:${videoId}`;
  const [question, setQuestion] = useDraft(draft);
  const [asked, setAsked] = useState<Asked | null>(null);
  const refresh = useRefresh(videoId);

  const stored = talk.conversation.data;
  const isShown = asked !== null && asked.conversationId === talk.id;
  const turnId = isShown ? asked.turnId : answering(stored);
  const turn = useLiveTurn(turnId, refresh);

  const asking = useMutation({
    mutationFn: (text: string) => ask(videoId, text, talk.id),
    onSuccess: (accepted, text) => {
      setAsked(accepted);
      talk.choose(accepted.conversationId);
      if (readDraft(draft) === text) setQuestion(""); // not the next one, begun meanwhile
    },
    onSettled: refresh,
  });
  const stopping = useMutation({
    mutationFn: (id: number) =>
      send("post", "/api/wiz/turns/{turn_id}/stop", { path: { turn_id: id } }),
    onError: (error) => toast(messageOf(error), { tone: "danger" }),
  });

  const live = turnId === null ? null : { turnId, turn, question: asked?.question ?? "" };
  const told = withLive(stored ? exchangesOf(stored) : [], live);
  return {
    ...talk,
    exchanges: withAsked(told, asking.isPending ? asking.variables : null),
    isAnswering: turnId !== null && turn.status === "answering",
    isAsking: asking.isPending,
    question: asking.isPending ? "" : question,
    setQuestion: (text: string) => {
      setQuestion(text);
      asking.reset();
    },
    problem: asking.error,
    /** Keeps the question until it was accepted. */
    ask: (text: string) => {
      setQuestion(text);
      asking.mutate(text);
    },
    stop: () => turnId !== null && stopping.mutate(turnId),
    isStopping: stopping.isPending,
  };
}

function useRefresh(videoId: string): () => void {
  const queries = useQueryClient();
  return () => {
    void queries.invalidateQueries({ queryKey: keys.conversations(videoId) });
    void queries.invalidateQueries({ queryKey: keys.quota });
  };
}
