/** A video's picture in its frame; an empty frame where the picture cannot be had. */

import { useState } from "react";
import { cx } from "@/lib/classes";
import { thumbnailOf } from "@/lib/youtube";
import { Icon } from "./Icon";

export function Thumbnail({
  videoId,
  duration,
  className,
}: {
  videoId: string;
  /** Such as "12:34". */
  duration?: string | null;
  className?: string;
}) {
  const [missing, setMissing] = useState(false);
  return (
    <div
      className={cx(
        "relative aspect-video overflow-hidden rounded-md border border-line bg-sunken",
        className,
      )}
    >
      {missing ? (
        <span className="grid size-full place-items-center text-2xl text-edge">
          <Icon name="video" />
        </span>
      ) : (
        <img
          src={thumbnailOf(videoId)}
          alt=""
          width={320}
          height={180}
          loading="lazy"
          onError={() => setMissing(true)}
          className="size-full object-cover"
        />
      )}
      {duration && (
        <span className="absolute right-1.5 bottom-1.5 rounded-sm bg-black/80 px-1.5 font-mono text-xs text-white">
          {duration}
        </span>
      )}
    </div>
  );
}
