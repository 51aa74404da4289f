/** What the video is about: its summary. */

import { Markdown } from "@/components/Markdown";

export function About({
  summary,
  hasTranscript,
}: {
  summary: string | null | undefined;
  hasTranscript: boolean;
}) {
  return (
    <section aria-labelledby="summary" className="grid gap-2">
      <h2 id="summary" className="text-lg">
        Summary
      </h2>
      {summary ? (
        <div className="max-w-prose">
          <Markdown text={summary} />
        </div>
      ) : (
        <p className="text-sm text-soft">
          There is no summary yet.{!hasTranscript && " It comes after the transcript."}
        </p>
      )}
    </section>
  );
}
