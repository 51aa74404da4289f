/** The keys of the video's page. */

import { useEffect, useRef } from "react";
import { useShortcuts } from "@/lib/shortcuts";
import { usePlayback } from "./player/usePlayback";
import type { TabId } from "./useTab";

const STEP_S = 5;
const LEAP_S = 10;

export function useVideoKeys({
  onNote,
  onChoose,
}: {
  onNote: () => void;
  onChoose: (tab: TabId) => void;
}): void {
  const playback = usePlayback();
  const focusSoon = useFocusSoon();
  useShortcuts({
    n: onNote,
    " ": () => playback.toggle(),
    k: () => playback.toggle(),
    j: () => playback.skip(-LEAP_S),
    l: () => playback.skip(LEAP_S),
    ArrowLeft: () => playback.skip(-STEP_S),
    ArrowRight: () => playback.skip(STEP_S),
    t: () => onChoose("transcript"),
    w: () => {
      onChoose("wiz");
      focusSoon("[data-question]");
    },
    "/": () => {
      if (!shownSearch()) onChoose("transcript");
      focusSoon("[data-search]");
    },
  });
}

const PATIENCE_FRAMES = 60;

/** Focuses the one that is shown, once what was chosen has been drawn; the wait ends with the page. */
function useFocusSoon(): (selector: string) => void {
  const frame = useRef(0);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);

  const focusSoon = (selector: string, frames = PATIENCE_FRAMES) => {
    cancelAnimationFrame(frame.current);
    const field = shownField(selector);
    if (field) field.focus();
    else if (frames) frame.current = requestAnimationFrame(() => focusSoon(selector, frames - 1));
  };
  return focusSoon;
}

const shownSearch = () => shownField("[data-search]");

function shownField(selector: string): HTMLElement | undefined {
  return [...document.querySelectorAll<HTMLElement>(selector)].find((one) => one.checkVisibility());
}
