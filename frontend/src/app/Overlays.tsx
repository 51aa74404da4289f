/** What opens by key over any page: the command palette and the sheet of keys. */

import { lazy, Suspense, useEffect, useState } from "react";
import { Dialog } from "@/components/Dialog";
import { KeyboardSheet } from "@/components/KeyboardSheet";
import { useShortcuts } from "@/lib/shortcuts";

const loadPalette = () => import("@/features/palette/Palette");
const Palette = lazy(async () => ({ default: (await loadPalette()).Palette }));

type Overlay = "palette" | "keys" | null;

export function Overlays() {
  const [shown, setShown] = useState<Overlay>(null);
  useShortcuts({ "mod+k": () => setShown("palette"), "?": () => setShown("keys") });
  useEffect(() => void loadPalette(), []); // so that it is there before the first letter is typed
  const close = () => setShown(null);
  if (shown === "palette") {
    return (
      <Suspense>
        <Palette onClose={close} />
      </Suspense>
    );
  }
  if (shown === "keys") {
    return (
      <Dialog title="Keys" onClose={close} wide>
        <KeyboardSheet />
      </Dialog>
    );
  }
  return null;
}
