/** A video in which something was found, and the seconds at which. */

import { Link } from "react-router";
import { Card } from "@/components/Card";
import { Icon, type IconName } from "@/components/Icon";
import { Thumbnail } from "@/components/Thumbnail";
import type { Hit, VideoHits } from "@/lib/api/types";
import { factsOf, nameWithoutTitle } from "@/lib/metadata";
import { piecesOf } from "./pieces";

export function FoundVideo({ video_id, title, metadata, hits, hit_count }: VideoHits) {
  const facts = factsOf(metadata);
  const inTitle = hits.find((hit) => hit.kind === "title");
  const inside = hits.filter((hit) => hit !== inTitle);
  const more = hit_count - hits.length;
  return (
    <li>
      <Card className="grid gap-4 sm:grid-cols-[11rem_1fr]">
        <Thumbnail videoId={video_id} duration={facts.duration} className="max-sm:hidden" />
        <div className="grid min-w-0 content-start gap-2">
          <div>
            <h2 className="text-base leading-snug tracking-normal wrap-anywhere">
              <Link to={`/videos/${video_id}`} className="hover:text-accent">
                {inTitle ? (
                  <Snippet {...inTitle} />
                ) : (
                  (title ?? facts.title ?? nameWithoutTitle(video_id))
                )}
              </Link>
            </h2>
            {facts.channel && <p className="truncate text-sm text-soft">{facts.channel}</p>}
          </div>
          {inside.length > 0 && (
            <ul className="-mx-2">
              {inside.map((hit, index) => (
                <Place key={index} videoId={video_id} {...hit} />
              ))}
            </ul>
          )}
          {more > 0 && (
            <Link
              to={`/videos/${video_id}?tab=transcript`}
              className="text-sm text-soft underline underline-offset-4 hover:text-ink"
            >
              and {more} more in this video
            </Link>
          )}
        </div>
      </Card>
    </li>
  );
}

const KINDS: Record<Hit["kind"], { icon: IconName; name: string }> = {
  title: { icon: "video", name: "Title" },
  note: { icon: "note", name: "Note" },
  transcript: { icon: "quote", name: "Transcript" },
};

function Place({ videoId, ...hit }: Hit & { videoId: string }) {
  const at = hit.seconds === null ? "" : `?t=${Math.floor(hit.seconds)}`;
  return (
    <li>
      <Link
        to={`/videos/${videoId}${at}`}
        className="grid grid-cols-[1.25rem_4rem_minmax(0,1fr)] items-baseline gap-2 rounded-md px-2 py-1.5 text-sm hover:bg-sunken"
      >
        <span title={KINDS[hit.kind].name} className="self-start pt-1 text-soft">
          <Icon name={KINDS[hit.kind].icon} />
          <span className="sr-only">{KINDS[hit.kind].name}</span>
        </span>
        <span className="text-right font-mono text-accent">{hit.timestamp}</span>
        <span className="line-clamp-2 wrap-anywhere">
          <Snippet {...hit} />
        </span>
      </Link>
    </li>
  );
}

function Snippet({ snippet, highlights }: Hit) {
  return piecesOf(snippet, highlights).map(({ text, marked }, index) =>
    marked ? <mark key={index}>{text}</mark> : <span key={index}>{text}</span>,
  );
}
