/** Light, dark or as the system is; `public/theme.js` puts it on the page. */

import { useSyncExternalStore } from "react";
import { lasting } from "@/lib/storage";

export type Theme = "system" | "light" | "dark";
const KEY = "vidwiz.theme";

function read(): Theme {
  const kept = lasting.read(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function chooseTheme(theme: Theme): void {
  lasting.write(KEY, theme === "system" ? null : theme);
  dispatchEvent(new Event("vidwiz:theme"));
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, read);
}

function subscribe(listener: () => void): () => void {
  addEventListener("vidwiz:theme", listener);
  addEventListener("storage", listener);
  return () => {
    removeEventListener("vidwiz:theme", listener);
    removeEventListener("storage", listener);
  };
}
