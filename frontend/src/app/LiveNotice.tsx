/** Keeps the pages live, and says quietly when they are not. */

import { useLiveState, useLiveStream } from "@/lib/live/useLive";

export function LiveNotice() {
  useLiveStream();
  const away = useLiveState() === "away";
  return (
    <span role="status" className="text-xs text-soft">
      {away && (
        <span
          title="The live connection is down. Pages refresh every 20 seconds instead."
          className="flex items-center gap-1.5"
        >
          <span aria-hidden="true" className="size-2 rounded-full bg-warn" />
          <span className="max-sm:sr-only">Not live</span>
        </span>
      )}
    </span>
  );
}
