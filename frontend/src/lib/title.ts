/** The page's title, which also tells a screen reader that the page changed. */

import { useEffect } from "react";

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === "VidWiz" ? title : `${title} · VidWiz`;
  }, [title]);
}
