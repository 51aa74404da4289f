/** A time in a text: a press plays from there. */

import type { ComponentProps } from "react";

export function TimeChip({ time, ...rest }: ComponentProps<"button"> & { time: string }) {
  return (
    <button
      type="button"
      aria-label={`Play from ${time}`}
      className="mx-0.5 rounded-sm bg-accent-tint px-1.5 py-0.5 font-mono text-sm text-accent-strong tabular-nums hover:underline"
      {...rest}
    >
      {time}
    </button>
  );
}
