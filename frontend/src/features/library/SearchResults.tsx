/** What a search found, by video, as it is typed. */

import { infiniteQueryOptions, keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { Button } from "@/components/Button";
import { Loading, Skeleton } from "@/components/Spinner";
import { EmptyState, ErrorState } from "@/components/States";
import { send } from "@/lib/api/client";
import { keys } from "@/lib/api/keys";
import { FoundVideo } from "./FoundVideo";

const AT_ONCE = 10;

function searchQuery(query: string) {
  return infiniteQueryOptions({
    queryKey: keys.search(query),
    queryFn: ({ pageParam: offset, signal }) =>
      send("get", "/api/search/all", { query: { q: query, limit: AT_ONCE, offset }, signal }),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const shown = pages.reduce((sum, page) => sum + page.videos.length, 0);
      return last.videos.length && shown < last.total ? shown : undefined;
    },
    placeholderData: keepPreviousData,
  });
}

export function SearchResults({ query }: { query: string }) {
  const search = useInfiniteQuery(searchQuery(query));
  if (search.isPending) return <LoadingResults />;
  if (search.isError)
    return <ErrorState error={search.error} onRetry={() => void search.refetch()} />;
  const videos = search.data.pages.flatMap((page) => page.videos);
  const total = search.data.pages.at(-1)?.total ?? 0;
  return (
    <div className="grid gap-4" aria-busy={search.isPlaceholderData}>
      <p role="status" className={total ? "text-sm text-soft" : "sr-only"}>
        {total === 1 ? "Found in 1 video" : `Found in ${total} videos`}
      </p>
      {videos.length ? (
        <ul className="grid gap-4">
          {videos.map((video) => (
            <FoundVideo key={video.video_id} {...video} />
          ))}
        </ul>
      ) : (
        <Nothing query={query} />
      )}
      {search.hasNextPage && (
        <Button
          className="justify-self-center"
          busy={search.isFetchingNextPage}
          onClick={() => void search.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </div>
  );
}

function Nothing({ query }: { query: string }) {
  return (
    <EmptyState icon="search" title={`Nothing found for “${query}”`}>
      <p>Try fewer words, or their beginnings. Words in quotes are searched as a phrase.</p>
    </EmptyState>
  );
}

function LoadingResults() {
  return (
    <Loading label="Searching">
      <div className="grid gap-4 pt-9">
        <Skeleton className="h-40" />
        <Skeleton className="h-40" />
      </div>
    </Loading>
  );
}
