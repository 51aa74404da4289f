/** Where toasts are shown, and read aloud. */

import { useSyncExternalStore } from "react";
import { cx } from "@/lib/classes";
import { dismiss, type Toast, toastStore } from "@/lib/toasts";
import { Button, IconButton } from "./Button";

export function Toasts() {
  const toasts = useSyncExternalStore(toastStore.subscribe, toastStore.read);
  return (
    <div
      role="status"
      aria-live="polite"
      aria-relevant="additions"
      className="pointer-events-none fixed inset-x-0 bottom-0 z-40 grid max-sm:top-14 max-sm:bottom-auto justify-items-center gap-2 p-4"
    >
      {toasts.map((toast) => (
        <ToastCard key={toast.id} {...toast} />
      ))}
    </div>
  );
}

function ToastCard({ id, text, tone, action }: Toast) {
  return (
    <div
      className={cx(
        "pointer-events-auto flex max-w-full animate-rise items-center gap-2 rounded-md border bg-surface py-1 pr-1 pl-4 text-sm shadow-float",
        tone === "danger" ? "border-danger/50 text-danger" : "border-line text-ink",
      )}
    >
      <span className="py-2 wrap-anywhere">{text}</span>
      {action && (
        <Button
          look="quiet"
          size="sm"
          onClick={() => {
            dismiss(id);
            action.run();
          }}
        >
          {action.label}
        </Button>
      )}
      <IconButton icon="close" label="Dismiss" onClick={() => dismiss(id)} />
    </div>
  );
}
