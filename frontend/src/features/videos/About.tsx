/** What the video is about: its summary. */

import { useMemo } from "react";
import { Markdown } from "@/components/Markdown";
import { TimeChip } from "@/components/TimeChip";
import { clock } from "@/lib/time";
import { secondOf, timesLinked } from "./summaryTimes";

export function About({
  summary,
  hasTranscript,
  lengthS = Infinity,
  onSeek,
}: {
  summary: string | null | undefined;
  hasTranscript: boolean;
  /** The video's, if it is known. */
  lengthS?: number;
  onSeek: (seconds: number) => void;
}) {
  const plugins = useMemo(() => [timesLinked(lengthS)], [lengthS]);
  return (
    <section aria-labelledby="summary" className="grid gap-2">
      <h2 id="summary" className="text-lg">
        Summary
      </h2>
      {summary ? (
        <div className="max-w-prose">
          <Markdown
            text={summary}
            plugins={plugins}
            anchor={(href, children) => {
              const second = secondOf(href);
              if (second === null) return children;
              return <TimeChip time={clock(second)} onClick={() => onSeek(second)} />;
            }}
          />
        </div>
      ) : (
        <p className="text-sm text-soft">
          There is no summary yet.{!hasTranscript && " It comes after the transcript."}
        </p>
      )}
    </section>
  );
}
