/** Opens a video by its link or id: the server begins to fetch it, and its page is shown where the link begins. */

import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { keepOpened } from "@/lib/opened";
import { remember } from "@/lib/recent";
import { videoLinkOf } from "@/lib/youtube";
import { send } from "./client";

/** Fails with a sentence for a text that is no link, or with an ApiError. */
export function useOpenVideo() {
  const navigate = useNavigate();
  return useMutation({
    mutationFn: async (link: string) => {
      const { videoId, start } = videoLinkOf(link);
      await send("post", "/api/wiz/init", { body: { video_id: videoId } });
      return { videoId, start };
    },
    onSuccess: ({ videoId, start }) => {
      keepOpened(videoId);
      remember({ videoId, title: null });
      void navigate(`/videos/${videoId}${start ? `?t=${start}` : ""}`);
    },
  });
}
