/** A video in a grid. */

import { Link } from "react-router";
import { Thumbnail } from "@/components/Thumbnail";
import { factsOf, nameWithoutTitle } from "@/lib/metadata";

export function VideoCard({
  videoId,
  title,
  metadata,
  notes,
}: {
  videoId: string;
  title: string | null;
  metadata: Record<string, unknown> | null;
  /** How many the person has on it. */
  notes: number;
}) {
  const facts = factsOf(metadata);
  return (
    <li>
      <Link
        to={`/videos/${videoId}`}
        className="group grid grid-cols-1 gap-x-3 gap-y-2.5 rounded-md max-sm:grid-cols-[8.5rem_minmax(0,1fr)]"
      >
        <Thumbnail videoId={videoId} duration={facts.duration} />
        <div className="min-w-0">
          <h3 className="line-clamp-2 leading-snug wrap-anywhere font-medium tracking-normal group-hover:text-accent">
            {title ?? facts.title ?? nameWithoutTitle(videoId)}
          </h3>
          {facts.channel && <p className="mt-0.5 truncate text-sm text-soft">{facts.channel}</p>}
          {notes > 0 && (
            <p className="mt-0.5 text-sm text-soft">{notes === 1 ? "1 note" : `${notes} notes`}</p>
          )}
        </div>
      </Link>
    </li>
  );
}
