/** What the video is: title, channel, length. */

import { Skeleton } from "@/components/Spinner";
import type { WizVideo } from "@/lib/api/types";
import { factsOf } from "@/lib/metadata";

/** The video's title; null until something is known of it. */
export function titleOf(video: WizVideo | undefined): string | null {
  return video ? (factsOf(video.metadata).title ?? video.title) : null;
}

export function Heading({ video }: { video: WizVideo | undefined }) {
  const { channel, duration } = factsOf(video?.metadata);
  const title = titleOf(video);
  if (!video) {
    return (
      <div className="grid gap-2">
        <h1 className="sr-only">Video</h1>
        <Skeleton className="h-7 w-4/5" />
        <Skeleton className="h-5 w-2/5" />
      </div>
    );
  }
  return (
    <div>
      <h1 className="line-clamp-2 text-lg wrap-anywhere sm:text-xl">
        {title ?? `Video ${video.video_id}`}
      </h1>
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
    </div>
  );
}
