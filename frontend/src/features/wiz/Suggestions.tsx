/** What to ask first. */

import { Icon } from "@/components/Icon";
import { suggestions } from "./suggestions";

export function Suggestions({
  title,
  summary,
  disabled,
  onAsk,
}: {
  title: string | null;
  summary: string | null;
  disabled: boolean;
  onAsk: (question: string) => void;
}) {
  return (
    <section aria-labelledby="ask-wiz" className="grid gap-3 py-4">
      <h2 id="ask-wiz" className="flex items-center gap-2 text-lg">
        <Icon name="wand" className="text-accent" />
        Ask the video
      </h2>
      <p className="text-sm text-soft">
        Wiz answers from the transcript and cites the second. Press a citation to go there.
      </p>
      <ul className="grid gap-2">
        {suggestions(title, summary).map((question) => (
          <li key={question}>
            <button
              type="button"
              disabled={disabled}
              onClick={() => onAsk(question)}
              className="flex min-h-11 w-full items-center justify-between gap-3 rounded-md border border-line px-3 py-2 text-left text-sm hover:not-disabled:border-accent hover:not-disabled:bg-accent-tint disabled:opacity-60"
            >
              {question}
              <Icon name="arrow" className="text-soft" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
