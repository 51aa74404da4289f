/** Google's sign-in library, loaded only where its button is shown. */

interface GoogleId {
  initialize: (options: {
    client_id: string;
    callback: (answer: { credential: string }) => void;
  }) => void;
  renderButton: (parent: HTMLElement, options: Record<string, string | number>) => void;
}

declare global {
  interface Window {
    google?: { accounts: { id: GoogleId } };
  }
}

const SCRIPT = "https://accounts.google.com/gsi/client";
let loading: Promise<GoogleId> | null = null;

/** Resolves to the library; rejects where it is blocked, and tries anew the next time. */
export function loadGoogle(): Promise<GoogleId> {
  loading ??= new Promise<GoogleId>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.onload = () =>
      window.google ? resolve(window.google.accounts.id) : reject(new Error(SCRIPT));
    script.onerror = () => reject(new Error(SCRIPT));
    document.head.append(script);
  }).catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}
