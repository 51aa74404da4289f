/** Tabs: arrows move between them, the chosen one's panel follows. */

import { type KeyboardEvent, type ReactNode, useId } from "react";
import { cx } from "@/lib/classes";

export interface Tab<Id extends string> {
  id: Id;
  label: ReactNode;
}

export function Tabs<Id extends string>({
  label,
  tabs,
  chosen,
  onChoose,
  children,
  className,
  panelClassName,
}: {
  label: string;
  tabs: Tab<Id>[];
  chosen: Id;
  onChoose: (id: Id) => void;
  /** The chosen tab's panel. */
  children: ReactNode;
  className?: string;
  panelClassName?: string;
}) {
  const base = useId();
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = tabs.findIndex((tab) => tab.id === chosen) + step;
    const next = tabs.at(at % tabs.length);
    if (!next) return;
    event.preventDefault();
    onChoose(next.id);
    document.getElementById(`${base}-${next.id}`)?.focus();
  };
  return (
    <div className={className}>
      <div
        role="tablist"
        aria-label={label}
        tabIndex={-1}
        onKeyDown={onKeyDown}
        className="flex shrink-0 gap-1 overflow-x-auto border-b border-line"
      >
        {tabs.map((tab) => (
          <button
            key={tab.id}
            id={`${base}-${tab.id}`}
            type="button"
            role="tab"
            aria-selected={tab.id === chosen}
            aria-controls={`${base}-panel`}
            tabIndex={tab.id === chosen ? 0 : -1}
            onClick={() => onChoose(tab.id)}
            className={cx(
              "-mb-px min-h-11 border-b-2 px-3 text-sm font-medium whitespace-nowrap -outline-offset-2",
              tab.id === chosen
                ? "border-accent text-ink"
                : "border-transparent text-soft hover:text-ink",
            )}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`${base}-panel`}
        aria-labelledby={`${base}-${chosen}`}
        className={panelClassName}
      >
        {children}
      </div>
    </div>
  );
}
