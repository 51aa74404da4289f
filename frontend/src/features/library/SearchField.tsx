/** The search field: what is typed settles after a moment; "/" goes there. */

import { useEffect, useEffectEvent, useRef } from "react";
import { CONTROL } from "@/components/Field";
import { Icon } from "@/components/Icon";
import { useShortcuts } from "@/lib/shortcuts";

const SETTLE_MS = 180;
const LONGEST = 200;

export function SearchField({
  typed,
  onType,
  onSettle,
}: {
  typed: string;
  onType: (text: string) => void;
  onSettle: (text: string) => void;
}) {
  const input = useRef<HTMLInputElement>(null);
  const first = useRef(true);
  const settle = useEffectEvent(onSettle);
  useShortcuts({ "/": () => input.current?.focus() });
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return undefined;
    }
    const timer = setTimeout(() => settle(typed.trim()), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <form role="search" className="relative" onSubmit={(event) => event.preventDefault()}>
      <label htmlFor="search" className="sr-only">
        Search titles, notes and transcripts
      </label>
      <Icon
        name="search"
        className="pointer-events-none absolute top-1/2 left-3.5 -translate-y-1/2 text-lg text-soft"
      />
      <input
        id="search"
        ref={input}
        type="search"
        maxLength={LONGEST}
        autoComplete="off"
        placeholder="Search notes and transcripts"
        value={typed}
        onChange={(event) => onType(event.target.value)}
        className={`${CONTROL} pl-11 text-ellipsis`}
      />
    </form>
  );
}
