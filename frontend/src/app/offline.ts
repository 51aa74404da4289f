/** Has the browser keep the app's files, so that it opens without a connection; see `scripts/serviceWorker.js`. */

import { addressOf } from "@/lib/basePath";

export function keepForOffline(): void {
  // Browsers have it where nobody on the way can change what is kept: with TLS, and on localhost.
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  addEventListener("load", () => {
    navigator.serviceWorker
      .register(addressOf("/sw.js"), { updateViaCache: "none" })
      .catch((reason: unknown) => {
        console.info("This browser does not keep the app for offline use:", reason);
      });
  });
}
