/** Lines of a transcript to read before something is decided; a long one scrolls in itself. */

import type { TranscriptItem } from "@/lib/api/types";
import { linesOf } from "@/lib/segments";

export function TranscriptExcerpt({ items, label }: { items: TranscriptItem[]; label: string }) {
  return (
    // A list that scrolls takes the focus, so that the arrow keys move it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div tabIndex={0} role="group" aria-label={label} className={BOX}>
      <ol className="grid gap-1">
        {linesOf(items).map(({ at, time, text }, place) => (
          <li key={`${place}:${at}`} className="flex gap-3">
            <span className="shrink-0 font-mono text-soft">{time}</span>
            <span className="min-w-0 wrap-anywhere">{text}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

const BOX = "max-h-[45dvh] overflow-y-auto rounded-md bg-sunken p-3 text-sm";
