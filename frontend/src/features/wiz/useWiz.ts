/** A talk with Wiz about a video: asking, following the answer, stopping it. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { send } from "@/lib/api/client";
import { messageOf } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";
import { readDraft, useDraft } from "@/lib/drafts";
import { toast } from "@/lib/toasts";
import { arrived, ask, type Asked, isDoubtful, type Question } from "./ask";
import { answering, exchangesOf, withAsked, withLive } from "./exchanges";
import { useConversation } from "./useConversation";
import { useLiveTurn } from "./useLiveTurn";

export function useWiz(videoId: string) {
  const talk = useConversation(videoId);
  const draft = `question:${videoId}`;
  const [question, setQuestion] = useDraft(draft);
  const [asked, setAsked] = useState<Asked | null>(null);
  // No answer came to it, so the server may have it: asked again, it is looked for first.
  const [doubtful, setDoubtful] = useState<Question | null>(null);
  const refresh = useRefresh(videoId);

  const stored = talk.conversation.data;
  const isShown = asked !== null && asked.conversationId === talk.id;
  const turnId = isShown ? asked.turnId : answering(stored);
  const turn = useLiveTurn(turnId, refresh);

  const asking = useMutation({
    mutationFn: async (next: Question) => {
      const before = doubtful?.text === next.text ? await arrived(videoId, doubtful) : null;
      return before ?? ask(videoId, next);
    },
    onSuccess: (accepted) => {
      setAsked(accepted);
      talk.choose(accepted.conversationId);
      setDoubtful(null);
      if (readDraft(draft) === accepted.question) setQuestion("");
    },
    onError: (error, tried) => {
      setDoubtful(isDoubtful(error) ? earliest(doubtful, tried) : null);
      const typed = readDraft(draft);
      if (typed !== tried.text) setQuestion(`${tried.text}\n${typed}`);
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
    exchanges: withAsked(told, asking.isPending ? asking.variables.text : null),
    isAnswering: turnId !== null && turn.status === "answering",
    isAsking: asking.isPending,
    question: asking.isPending && question === asking.variables.text ? "" : question,
    setQuestion: (text: string) => {
      setQuestion(text);
      if (asking.isError) asking.reset();
    },
    problem: asking.error,
    /** Keeps the question until it was accepted. */
    ask: (text: string) => {
      setQuestion(text);
      const newest = (talk.id ? stored?.turns.at(-1)?.turn_id : talk.list[0]?.conversation_id) ?? 0;
      asking.mutate({ text, conversationId: talk.id, newest });
    },
    stop: () => turnId !== null && stopping.mutate(turnId),
    isStopping: stopping.isPending,
  };
}

/** The first try of a question, which knows best what was there before. */
function earliest(before: Question | null, tried: Question): Question {
  return before?.text === tried.text ? before : tried;
}

function useRefresh(videoId: string): () => void {
  const queries = useQueryClient();
  return () => {
    void queries.invalidateQueries({ queryKey: keys.conversations(videoId) });
    void queries.invalidateQueries({ queryKey: keys.quota });
  };
}
