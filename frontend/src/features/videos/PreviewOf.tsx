/** What was read in a transcript, before it is kept: how much, its beginning, what was left out. */

import { TranscriptExcerpt } from "@/components/TranscriptExcerpt";
import type { AddedTranscript } from "@/lib/api/types";

export function PreviewOf({ read }: { read: AddedTranscript }) {
  const { segments, skipped } = read;
  return (
    <section aria-label="Preview" className="grid gap-3">
      <p>
        {counted(segments, "line")}. {segments > read.beginning.length && "The first ones:"}
      </p>
      <TranscriptExcerpt items={read.beginning} label="Lines" />
      {skipped.count > 0 && (
        <div className="text-sm">
          <p className="text-warn">
            {counted(skipped.count, "cue")} {skipped.count === 1 ? "was" : "were"} left out:
          </p>
          <ul className="list-disc pl-5 text-soft">
            {skipped.first.map(({ line, reason }, place) => (
              <li key={place}>
                line {line}: {reason}
              </li>
            ))}
            {skipped.count > skipped.first.length && (
              <li>and {(skipped.count - skipped.first.length).toLocaleString("en")} more</li>
            )}
          </ul>
        </div>
      )}
    </section>
  );
}

const counted = (count: number, noun: string) =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
