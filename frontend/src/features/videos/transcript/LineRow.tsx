/** One line of the transcript: a click plays from it, the button beside it begins a note. */

import { IconButton } from "@/components/Button";
import { cx } from "@/lib/classes";
import { type Match, pieces } from "./search";
import type { Line } from "@/lib/segments";

export function LineRow({
  line,
  said,
  matches,
  current,
  onPlay,
  onNote,
}: {
  line: Line;
  /** Whether it is being said. */
  said: boolean;
  matches: Match[];
  /** The match that is shown, if it is in this line. */
  current: Match | undefined;
  onPlay: () => void;
  onNote: () => void;
}) {
  return (
    <div
      className={cx(
        "group flex items-start gap-1 rounded-md pr-1 transition-colors",
        said ? "bg-accent-tint" : "hover:bg-sunken",
      )}
    >
      <button
        type="button"
        aria-current={said || undefined}
        onClick={onPlay}
        className="grid min-h-11 min-w-0 grow grid-cols-[auto_minmax(0,1fr)] items-baseline gap-3 rounded-md px-2 py-2 text-start -outline-offset-2 sm:min-h-9"
      >
        <span className="min-w-11 font-mono text-sm text-accent-strong tabular-nums">
          {line.time}
        </span>
        <span className="wrap-anywhere [unicode-bidi:plaintext]">
          {pieces(line.text, matches).map(({ text, match }, index) =>
            match === null ? (
              <span key={index}>{text}</span>
            ) : (
              <mark
                key={index}
                className={cx(matches[match] === current && "outline-2 outline-accent")}
              >
                {text}
              </mark>
            ),
          )}
        </span>
      </button>
      <IconButton
        icon="note"
        label={`Note at ${line.time}`}
        onClick={onNote}
        className="opacity-75 group-hover:opacity-100 focus-visible:opacity-100"
      />
    </div>
  );
}
