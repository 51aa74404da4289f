/** The second of a note, to be corrected by hand or by a second at a time. */

import { useState } from "react";
import { IconButton } from "@/components/Button";
import { cx } from "@/lib/classes";
import { clock, secondsOf } from "@/lib/time";

export function TimeField({ at, onChange }: { at: number; onChange: (at: number) => void }) {
  // What is typed, as long as it is no time; null when the field shows the note's second.
  const [typed, setTyped] = useState<string | null>(null);
  const change = (text: string) => {
    const seconds = secondsOf(text);
    setTyped(text);
    if (seconds !== null) onChange(seconds);
  };
  const step = (seconds: number) => {
    setTyped(null);
    onChange(Math.max(0, at + seconds));
  };
  const wrong = typed !== null && secondsOf(typed) === null;
  return (
    <div className="flex items-center gap-1">
      <IconButton icon="minus" label="A second earlier" onClick={() => step(-1)} />
      <input
        aria-label="Time of the note"
        aria-invalid={wrong || undefined}
        inputMode="text"
        value={typed ?? clock(at)}
        onChange={(event) => change(event.target.value)}
        onBlur={() => setTyped(null)}
        className={cx(
          "min-h-9 w-24 rounded-md border bg-surface px-2 text-center font-mono text-sm",
          wrong ? "border-danger" : "border-edge",
        )}
      />
      <IconButton icon="plus" label="A second later" onClick={() => step(1)} />
      {wrong && (
        <span role="alert" className="text-sm text-danger">
          Write it like 12:34.
        </span>
      )}
    </div>
  );
}
