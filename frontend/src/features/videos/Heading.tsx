/** What the video is: title, channel, length. */

import { Skeleton } from "@/components/Spinner";
import type { WizVideo } from "@/lib/api/types";
import { factsOf, nameWithoutTitle } from "@/lib/metadata";
import { recentTitle } from "@/lib/recent";

/** The video's title; null until something is known of it. */
export function titleOf(video: WizVideo | undefined): string | null {
  return video ? (factsOf(video.metadata).title ?? video.title) : null;
}

/** Until more is known it looks as `index.html` paints it. */
export function Heading({ videoId, video }: { videoId: string; video: WizVideo | undefined }) {
  const title = titleOf(video) ?? (video ? null : recentTitle(videoId));
  return (
    <div>
      <h1 className="line-clamp-2 text-lg wrap-anywhere sm:text-xl">
        {title ?? nameWithoutTitle(videoId)}
      </h1>
      {video ? <Facts video={video} /> : <Skeleton className="h-6 w-2/5" />}
    </div>
  );
}

function Facts({ video }: { video: WizVideo }) {
  const { channel, duration } = factsOf(video.metadata);
  return (
    <p className="flex min-h-6 flex-wrap gap-x-3 text-sm text-soft">
      {channel && <span>{channel}</span>}
      {duration && <span className="font-mono">{duration}</span>}
      <a
        href={`https://www.youtube.com/watch?v=${video.video_id}`}
        target="_blank"
        rel="noopener noreferrer"
        className="underline hover:text-ink"
      >
        On YouTube
      </a>
    </p>
  );
}
