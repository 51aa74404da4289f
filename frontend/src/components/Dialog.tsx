/** A modal dialog: the browser's own, which keeps the focus inside and closes on Escape. */

import { type ReactNode, useEffect, useId, useRef } from "react";
import { cx } from "@/lib/classes";
import { IconButton } from "./Button";

export function Dialog({
  title,
  onClose,
  children,
  wide = false,
  bare = false,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
  /** No visible heading and no padding; it stays near the top while its content grows and shrinks. */
  bare?: boolean;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    // A click on the backdrop is a shortcut for Escape and the close button, which keyboards have.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === ref.current && onClose()}
      className={cx(
        "mx-auto max-h-[85dvh] w-[calc(100%-2rem)] animate-rise overflow-auto rounded-lg border border-line bg-surface text-ink shadow-float",
        wide ? "max-w-2xl" : "max-w-md",
        bare ? "mt-[12dvh] mb-auto" : "my-auto",
      )}
    >
      <div className={bare ? "" : "grid grid-cols-1 gap-4 p-5"}>
        <header className={bare ? "sr-only" : "flex items-center justify-between gap-4"}>
          <h2 id={id} className="text-lg">
            {title}
          </h2>
          {!bare && <IconButton icon="close" label="Close" onClick={onClose} className="-mr-2" />}
        </header>
        {children}
      </div>
    </dialog>
  );
}
