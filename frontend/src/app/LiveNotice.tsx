/** Keeps the pages live, and says quietly when they are not. */

import { useLiveState, useLiveStream } from "@/lib/live/useLive";

export function LiveNotice() {
  useLiveStream();
  const away = useLiveState() === "away";
  return (
    <span role="status" className="text-xs text-soft max-sm:hidden">
      {away && (
        <span title="The live connection is down. Pages refresh every 20 seconds instead.">
          Not live
        </span>
      )}
    </span>
  );
}
