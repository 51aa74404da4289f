/** Which lines are in view, so that an eight-hour transcript costs no more than a short one. */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type RefObject, useCallback } from "react";
import type { Line } from "@/lib/segments";

const ROW_PX = 44;
const LETTERS_A_ROW = 48;
const ROW_OF_TEXT_PX = 26;

export function useLineList(lines: Line[], scroller: RefObject<HTMLElement | null>) {
  // eslint-disable-next-line react-hooks/incompatible-library -- its functions are used here only, unmemoised
  const list = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimated(lines[index]),
    overscan: 8,
  });
  const { scrollToIndex } = list;
  const show = useCallback(
    (index: number) => scrollToIndex(index, { align: "center" }),
    [scrollToIndex],
  );
  const rows = list.getVirtualItems().flatMap(({ index, start }) => {
    const line = lines[index];
    return line ? [{ index, start, line, ref: list.measureElement }] : [];
  });
  return { rows, height: list.getTotalSize(), show };
}

/** Pixels, before the line was measured. */
function estimated(line: Line | undefined): number {
  const rows = Math.ceil((line?.text.length ?? 0) / LETTERS_A_ROW);
  return ROW_PX + Math.max(0, rows - 1) * ROW_OF_TEXT_PX;
}
