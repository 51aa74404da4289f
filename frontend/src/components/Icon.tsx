/** The icons, as paths on a 24 by 24 grid drawn with a stroke. Decoration: names are in the text. */

import { cx } from "@/lib/classes";

const PATHS = {
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  settings:
    "M4 7h9m5 0h2M4 17h2m5 0h9M15.5 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Zm-7 10a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  up: "m8 14 4-4 4 4",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5.2-1.8L21 21",
  close: "M6 6l12 12M18 6 6 18",
  check: "m5 12.5 4.5 4.5L19 7.5",
  copy: "M9 9h10v11H9zM5 15V4h10",
  trash: "M4 7h16M9 7V4h6v3m3 0-1 13H7L6 7m4 4v5m4-5v5",
  pencil: "m4 20 1-4L16 5l3 3L8 19l-4 1Zm10-13 3 3",
  undo: "M8 5 4 9l4 4M4 9h10a5.5 5.5 0 0 1 0 11h-3",
  history: "M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5M12 8v4.5l3 2",
  play: "M8 5.5v13l11-6.5z",
  stop: "M7 7h10v10H7z",
  refresh: "M20 12a8 8 0 1 1-2.4-5.7L20 8.5M20 4v4.5h-4.5",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm0-13v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  system: "M4 5h16v11H4zM9 20h6m-3-4v4",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8a7.5 7.5 0 0 1 15 0",
  signOut: "M10 4H5v16h5m4-12 4 4-4 4m4-4H9",
  help: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.5v.4m0 2.8v.1",
  note: "M6 3h12v18l-6-4-6 4z",
  quote: "M5 6h14M5 12h14M5 18h8",
  wand: "m5 19 9-9m2.5-6 .9 2.1 2.1.9-2.1.9-.9 2.1-.9-2.1-2.1-.9 2.1-.9zM7 4l.7 1.8 1.8.7-1.8.7L7 9l-.7-1.8-1.8-.7 1.8-.7z",
  download: "M12 4v11m-4-4 4 4 4-4M5 20h14",
  upload: "M12 15V4M8 8l4-4 4 4M5 20h14",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  alert: "M12 4 2.5 20h19zM12 10v4.5m0 2.8v.1",
  shield: "M12 3 5 6v5.5c0 4.3 2.9 7.7 7 9.5 4.1-1.8 7-5.2 7-9.5V6z",
  key: "M8 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm4-4h9v3m-3-3v2.5",
  video: "M3 6h18v12H3zM10.5 9.5v5l4-2.5z",
  chevron: "m8 10 4 4 4-4",
  arrow: "M5 12h14m-5-5 5 5-5 5",
  send: "M12 19V5m-6 6 6-6 6 6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, className }: { name: IconName; className?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      className={cx("size-[1.15em] shrink-0", className)}
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
