/** Takes the keyboard back after a click into YouTube's frame, so that the page's keys go on working. */

import { type RefObject, useEffect } from "react";

/** Only for a mouse over the frame: whoever tabs into it wants its controls. */
export function useHandBackFocus(frame: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const place = frame.current;
    const handBack = () => {
      if (!place?.matches(":hover") || matchMedia("(hover: none)").matches) return;
      if (place.contains(document.activeElement)) {
        requestAnimationFrame(() => place.focus({ preventScroll: true }));
      }
    };
    addEventListener("blur", handBack);
    return () => removeEventListener("blur", handBack);
  }, [frame]);
}
