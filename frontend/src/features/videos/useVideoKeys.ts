/** The keys of the video's page. */

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

/** Focuses the one that is shown, once what was chosen has been drawn. */
function focusSoon(selector: string, frames = PATIENCE_FRAMES): void {
  const field = shownField(selector);
  if (field) field.focus();
  else if (frames) requestAnimationFrame(() => focusSoon(selector, frames - 1));
}

const shownSearch = () => shownField("[data-search]");

function shownField(selector: string): HTMLElement | undefined {
  return [...document.querySelectorAll<HTMLElement>(selector)].find((one) => one.checkVisibility());
}
