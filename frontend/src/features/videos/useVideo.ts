/** One video, kept fresh: by the live stream, or by asking now and then while something is under way. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { messageOf } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";
import { useLiveState, useWatched } from "@/lib/live/useLive";
import { factsOf } from "@/lib/metadata";
import { useSession } from "@/lib/auth/useSession";
import { keepOpened, wasOpened } from "@/lib/opened";
import { remember } from "@/lib/recent";
import { toast } from "@/lib/toasts";
import { isBehind, isMoving, isUnasked } from "./progress";
import { openVideo, progressQuery, videoQuery } from "./queries";

const POLL_MS = 4000;

export function useVideo(videoId: string) {
  useWatched(videoId);
  const queries = useQueryClient();
  const live = useLiveState() === "live";
  const video = useQuery({
    ...videoQuery(videoId),
    refetchInterval: ({ state }) => {
      const progress = queries.getQueryData(progressQuery(videoId).queryKey);
      return isBehind(state.data, progress) ? POLL_MS : false;
    },
  });
  const progress = useQuery({
    ...progressQuery(videoId),
    enabled: video.isSuccess, // one that nobody opened before has none
    refetchInterval: ({ state }) => (!live && isMoving(state.data) ? POLL_MS : false),
  });
  useRemembered(videoId, video.data && (video.data.title ?? factsOf(video.data.metadata).title));
  const retry = useRetry(videoId);
  useAskedOnce(isUnasked(progress.data), retry.mutate);
  useKept(videoId, video.isSuccess);
  return { video, progress, retry };
}

/** Asks for what is missing, and for what failed once more. */
function useRetry(videoId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => openVideo(videoId),
    onError: (error) => toast(messageOf(error), { tone: "danger" }),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.about(videoId) }),
  });
}

function useRemembered(videoId: string, title: string | null | undefined): void {
  useEffect(() => {
    if (title !== undefined) remember({ videoId, title });
  }, [videoId, title]);
}

/** Puts the video into the person's library, also where somebody else opened it before. */
function useKept(videoId: string, isKnown: boolean): void {
  const queries = useQueryClient();
  const who = useSession()?.email;
  const { mutate } = useMutation({
    mutationFn: () => openVideo(videoId),
    onSuccess: () => {
      keepOpened(videoId);
      return queries.invalidateQueries({ queryKey: keys.library });
    },
  });
  useEffect(() => {
    if (isKnown && who && !wasOpened(videoId)) mutate();
  }, [videoId, isKnown, who, mutate]);
}

function useAskedOnce(unasked: boolean, ask: () => void): void {
  useEffect(() => {
    if (unasked) ask();
  }, [unasked, ask]);
}
