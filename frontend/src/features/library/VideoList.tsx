/** A page of the person's videos, the one that was opened or noted last first. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Loading, Skeleton } from "@/components/Spinner";
import { EmptyState, ErrorState } from "@/components/States";
import { videosQuery } from "@/lib/api/queries";
import { useRecent } from "@/lib/recent";
import { Pager } from "./Pager";
import { VideoCard } from "./VideoCard";

const GRID = "grid gap-x-5 gap-y-4 sm:gap-y-7 sm:grid-cols-2 lg:grid-cols-3 xl:grid-cols-4";

export function VideoList({ page }: { page: number }) {
  const videos = useQuery({ ...videosQuery(page), placeholderData: keepPreviousData });
  if (videos.isPending) return <LoadingList />;
  if (videos.isError)
    return <ErrorState error={videos.error} onRetry={() => void videos.refetch()} />;
  const { videos: found, total_pages } = videos.data;
  return (
    <div className="grid gap-8">
      {found.length > 0 ? (
        <section aria-labelledby="latest">
          <h2 id="latest" className="sr-only">
            Opened or noted, the latest first
          </h2>
          <ul className={GRID}>
            {found.map((video) => (
              <VideoCard
                key={video.video_id}
                videoId={video.video_id}
                title={video.title}
                metadata={video.metadata}
                notes={video.note_count}
              />
            ))}
          </ul>
        </section>
      ) : (
        <Nothing beyond={total_pages > 0} />
      )}
      {total_pages < 2 && <Opened known={found.map((video) => video.video_id)} />}
      <Pager page={page} pages={total_pages} />
    </div>
  );
}

function Nothing({ beyond }: { beyond: boolean }) {
  if (beyond) return <EmptyState icon="video" title="There is nothing on this page" />;
  return (
    <EmptyState icon="video" title="No videos yet">
      <p>Paste a link above. The videos that you open are listed here, on every device.</p>
    </EmptyState>
  );
}

/** Opened in this browser before signing in. */
function Opened({ known }: { known: string[] }) {
  const opened = useRecent().filter((video) => !known.includes(video.videoId));
  if (!opened.length) return null;
  return (
    <section aria-labelledby="opened" className="grid gap-3">
      <h2 id="opened" className="text-sm font-medium text-soft">
        Opened in this browser before you signed in
      </h2>
      <ul className={GRID}>
        {opened.slice(0, 4).map((video) => (
          <VideoCard key={video.videoId} {...video} metadata={null} notes={0} />
        ))}
      </ul>
    </section>
  );
}

function LoadingList() {
  return (
    <Loading label="Your videos are loading">
      <div className={GRID}>
        {Array.from({ length: 8 }, (_, index) => (
          <div key={index} className="grid gap-x-3 gap-y-2.5 max-sm:grid-cols-[8.5rem_1fr]">
            <Skeleton className="aspect-video" />
            <div className="grid content-start gap-2">
              <Skeleton className="h-5 w-4/5" />
              <Skeleton className="h-4 w-2/5" />
            </div>
          </div>
        ))}
      </div>
    </Loading>
  );
}
