/** What was read in a transcript, before it is kept: how much, its beginning, what was left out. */

import type { AddedTranscript } from "@/lib/api/types";
import { linesOf } from "./transcript/segments";

export function PreviewOf({ read }: { read: AddedTranscript }) {
  const { segments, skipped } = read;
  return (
    <section aria-label="Preview" className="grid gap-3">
      <p>
        {counted(segments, "line")}. {segments > read.beginning.length && "The first ones:"}
      </p>
      <ol className="grid gap-1 rounded-md bg-sunken p-3 text-sm">
        {linesOf(read.beginning).map(({ at, time, text }, place) => (
          <li key={`${place}:${at}`} className="flex gap-3">
            <span className="shrink-0 font-mono text-soft">{time}</span>
            <span>{text}</span>
          </li>
        ))}
      </ol>
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
