/** A citation: a press seeks the player, hovering or focusing shows what is said there. */

import { useId, useState } from "react";
import { createPortal } from "react-dom";
import { TimeChip } from "@/components/TimeChip";
import { bare, type Citation } from "./citations";

export function CitationChip({
  citation,
  onSeek,
}: {
  citation: Citation;
  onSeek: (seconds: number) => void;
}) {
  const [place, setPlace] = useState<DOMRect | null>(null);
  const id = useId();
  const show = (chip: HTMLElement) => setPlace(chip.getBoundingClientRect());
  const hide = () => setPlace(null);
  const time = bare(citation.marker);
  return (
    <>
      <TimeChip
        time={time}
        aria-describedby={place ? id : undefined}
        onClick={() => onSeek(citation.start)}
        onMouseEnter={({ currentTarget }) => show(currentTarget)}
        onMouseLeave={hide}
        onFocus={({ currentTarget }) => show(currentTarget)}
        onBlur={hide}
        onKeyDown={({ key }) => key === "Escape" && hide()}
      />
      {place && createPortal(<Quote id={id} text={citation.quote} beside={place} />, document.body)}
    </>
  );
}

const MARGIN_PX = 8;
const WIDTH_PX = 320;
const TALLEST_PX = 200;

/** Above the chip, or below it where there is no room; within the window. */
function Quote({ id, text, beside }: { id: string; text: string; beside: DOMRect }) {
  const { clientWidth } = document.documentElement; // without the scrollbar
  const width = Math.min(WIDTH_PX, clientWidth - 2 * MARGIN_PX);
  const left = Math.min(Math.max(MARGIN_PX, beside.left), clientWidth - width - MARGIN_PX);
  const above = beside.top > TALLEST_PX;
  const vertical = above
    ? { bottom: innerHeight - beside.top + MARGIN_PX }
    : { top: beside.bottom + MARGIN_PX };
  return (
    <span
      id={id}
      role="tooltip"
      style={{ left, width, ...vertical }}
      className="pointer-events-none fixed z-50 line-clamp-6 rounded-md border border-line bg-surface px-3 py-2 text-sm text-ink shadow-float"
    >
      “{text}”
    </span>
  );
}
