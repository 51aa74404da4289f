/** Keyboard shortcuts: single keys while nobody types, and Ctrl or Cmd with a key at any time. */

import { useEffect, useEffectEvent } from "react";

/** Such as "n", "?" or "mod+k". */
export type Shortcut = string;

/** Calls the handler of the key that was pressed. Nothing happens below an open dialog. */
export function useShortcuts(handlers: Record<Shortcut, (event: KeyboardEvent) => void>): void {
  const onKeyDown = useEffectEvent((event: KeyboardEvent) => {
    const handler = handlers[shortcutOf(event)];
    if (!handler || event.defaultPrevented || isBusy(event)) return;
    event.preventDefault();
    handler(event);
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKeyDown(event);
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);
}

/** The name of what was pressed. */
export function shortcutOf(event: KeyboardEvent): Shortcut {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.ctrlKey || event.metaKey ? `mod+${key}` : key;
}

function isBusy(event: KeyboardEvent): boolean {
  if (document.querySelector("dialog[open]")) return true;
  const modified = event.ctrlKey || event.metaKey;
  return !modified && (event.altKey || isTyping(event.target) || isItsOwn(event));
}

/** The key works the control that has the focus. */
function isItsOwn({ key, target }: KeyboardEvent): boolean {
  const controls = OWN_KEYS[key];
  return Boolean(controls && target instanceof Element && target.closest(controls));
}

const OWN_KEYS: Record<string, string> = {
  " ": "button, a, summary, [role=button]",
  ArrowLeft: "[role=tablist], [role=menu]",
  ArrowRight: "[role=tablist], [role=menu]",
};

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest("input, textarea, select, [contenteditable]") !== null
  );
}
