/** Keeps a list scrolled to its end while it grows, unless the person has scrolled up to read. */

import { useEffect, useRef } from "react";

const NEAR_PX = 80;

/** To be spread on what scrolls; an empty list stays at its top. */
export function useStickToEnd(list: unknown[]) {
  const ref = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  useEffect(() => {
    if (ref.current && list.length && sticks.current)
      ref.current.scrollTop = ref.current.scrollHeight;
  }, [list]);
  const onScroll = () => {
    if (!ref.current) return;
    const { scrollHeight, scrollTop, clientHeight } = ref.current;
    sticks.current = scrollHeight - scrollTop - clientHeight < NEAR_PX;
  };
  return { ref, onScroll };
}
