/** What the panel asks the server. */

import { queryOptions } from "@tanstack/react-query";
import { send } from "@/lib/api/client";
import { keys } from "@/lib/api/keys";

/** The caller's conversations about a video, newest first. */
export function conversationsQuery(videoId: string) {
  return queryOptions({
    queryKey: keys.conversations(videoId),
    queryFn: async ({ signal }) => {
      const query = { video_id: videoId };
      return (await send("get", "/api/wiz/conversations", { query, signal })).conversations;
    },
  });
}

export function conversationQuery(videoId: string, id: number) {
  return queryOptions({
    queryKey: keys.conversation(videoId, id),
    queryFn: ({ signal }) =>
      send("get", "/api/wiz/conversations/{conversation_id}", {
        path: { conversation_id: id },
        signal,
      }),
  });
}

export const quotaQuery = queryOptions({
  queryKey: keys.quota,
  queryFn: ({ signal }) => send("get", "/api/wiz/quota", { signal }),
  retry: false, // what is left is a courtesy
});
