/** A menu behind a button: arrows, Home, End and first letters move, Escape closes. */

import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { cx } from "@/lib/classes";
import { Icon, type IconName } from "./Icon";

export interface MenuItem {
  label: string;
  icon?: IconName;
  danger?: boolean;
  checked?: boolean;
  onSelect: () => void;
}

export function Menu({
  label,
  items,
  children,
  className,
}: {
  label: string;
  items: MenuItem[];
  /** What the button shows. */
  children: ReactNode;
  className?: string;
}) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return undefined;
    itemsIn(root.current)[0]?.focus();
    const away = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    addEventListener("pointerdown", away);
    return () => removeEventListener("pointerdown", away);
  }, [open]);

  const close = () => {
    setOpen(false);
    root.current?.querySelector<HTMLElement>("[aria-haspopup]")?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!open) return;
    if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
    else if (!move(itemsIn(root.current), event.key)) return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  };
  return (
    // The keys are those of the menu's items, which have the focus.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div ref={root} className="relative" onKeyDown={onKeyDown}>
      <button
        type="button"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-label={label}
        title={label}
        onClick={() => setOpen(!open)}
        className={cx("flex items-center rounded-md hover:bg-sunken", className)}
      >
        {children}
      </button>
      {open && (
        <div
          id={id}
          role="menu"
          aria-label={label}
          className="absolute right-0 z-30 mt-1 grid min-w-52 animate-rise rounded-md border border-line bg-surface p-1 shadow-float"
        >
          {items.map((item) => (
            <Item key={item.label} {...item} onDone={close} />
          ))}
        </div>
      )}
    </div>
  );
}

function Item({
  label,
  icon,
  danger,
  checked,
  onSelect,
  onDone,
}: MenuItem & { onDone: () => void }) {
  return (
    <button
      type="button"
      role={checked === undefined ? "menuitem" : "menuitemradio"}
      aria-checked={checked}
      tabIndex={-1}
      onClick={() => {
        onDone();
        onSelect();
      }}
      className={cx(
        "flex min-h-10 items-center gap-3 rounded-sm px-3 text-left text-sm hover:bg-sunken focus:bg-sunken",
        danger ? "text-danger" : "text-ink",
      )}
    >
      {icon && <Icon name={icon} />}
      <span className="grow">{label}</span>
      {checked && <Icon name="check" className="text-accent" />}
    </button>
  );
}

function itemsIn(root: HTMLElement | null): HTMLElement[] {
  return [...(root?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
}

/** Moves the focus as the key says; false for a key that means nothing here. */
function move(items: HTMLElement[], key: string): boolean {
  const at = items.indexOf(document.activeElement as HTMLElement);
  const places: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  const place = places[key];
  if (place !== undefined) {
    items.at(place % items.length)?.focus();
    return true;
  }
  const letter = (item: HTMLElement) =>
    item.textContent.toLowerCase().startsWith(key.toLowerCase());
  const found = key.length === 1 && [...items.slice(at + 1), ...items].find(letter);
  if (found) found.focus();
  return Boolean(found);
}
