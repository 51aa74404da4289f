/** What the page of a video asks the server. */

import { queryOptions } from "@tanstack/react-query";
import { send } from "@/lib/api/client";
import { ApiError } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";

/** What there is of a video; one that nobody opened before is opened. */
export function videoQuery(videoId: string) {
  const path = { video_id: videoId };
  return queryOptions({
    queryKey: keys.video(videoId),
    queryFn: async ({ signal }) => {
      const read = () => send("get", "/api/wiz/video/{video_id}", { path, signal });
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404) throw error;
        await openVideo(videoId);
        return read();
      }
    },
  });
}

export function progressQuery(videoId: string) {
  const path = { video_id: videoId };
  return queryOptions({
    queryKey: keys.progress(videoId),
    queryFn: ({ signal }) => send("get", "/api/videos/{video_id}/progress", { path, signal }),
  });
}

export function transcriptQuery(videoId: string) {
  const path = { video_id: videoId };
  return queryOptions({
    queryKey: keys.transcript(videoId),
    queryFn: ({ signal }) => send("get", "/api/videos/{video_id}/transcript", { path, signal }),
    staleTime: Infinity, // a live event says when it was replaced
  });
}

/** Whose transcripts there are, the person's own and everybody's. */
export function transcriptsQuery(videoId: string) {
  const path = { video_id: videoId };
  return queryOptions({
    queryKey: keys.transcripts(videoId),
    queryFn: ({ signal }) => send("get", "/api/videos/{video_id}/transcripts", { path, signal }),
  });
}

/** Queues what is missing of a video, and anew what failed for good. */
export function openVideo(videoId: string) {
  return send("post", "/api/wiz/init", { body: { video_id: videoId } });
}
