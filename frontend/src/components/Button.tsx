/** A button, and a link that looks like one. */

import type { ComponentProps } from "react";
import { Link, type LinkProps } from "react-router";
import { cx } from "@/lib/classes";
import { Icon, type IconName } from "./Icon";
import { Spinner } from "./Spinner";

type Look = "primary" | "plain" | "quiet" | "danger";
type Size = "md" | "sm";

const BASE =
  "inline-flex items-center justify-center gap-2 rounded-md font-medium whitespace-nowrap transition-colors select-none disabled:opacity-60 disabled:cursor-not-allowed";
const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-on-accent hover:not-disabled:bg-accent-strong",
  plain: "border border-edge/60 bg-surface text-ink hover:not-disabled:bg-sunken",
  quiet: "text-soft hover:not-disabled:bg-sunken hover:not-disabled:text-ink",
  danger: "border border-danger/50 bg-surface text-danger hover:not-disabled:bg-danger-tint",
};
const SIZES: Record<Size, string> = {
  md: "min-h-11 px-4 text-base",
  sm: "min-h-9 px-3 text-sm",
};

interface Appearance {
  look?: Look;
  size?: Size;
  icon?: IconName;
}

function classes({ look = "plain", size = "md" }: Appearance, className?: string): string {
  return cx(BASE, LOOKS[look], SIZES[size], className);
}

/** ``busy`` shows that it is at work, and takes no second press. */
export function Button({
  look,
  size,
  icon,
  busy = false,
  className,
  children,
  ...rest
}: ComponentProps<"button"> & Appearance & { busy?: boolean }) {
  return (
    <button
      type="button"
      {...rest}
      className={classes({ look, size }, className)}
      disabled={busy || rest.disabled}
      aria-busy={busy || undefined}
    >
      {busy ? <Spinner /> : icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A square button with only an icon; ``label`` is its name and its tooltip. */
export function IconButton({
  icon,
  label,
  className,
  ...rest
}: ComponentProps<"button"> & { icon: IconName; label: string }) {
  return (
    <button
      type="button"
      {...rest}
      aria-label={label}
      title={label}
      className={cx(BASE, LOOKS.quiet, "size-11 shrink-0 text-lg sm:size-9", className)}
    >
      <Icon name={icon} />
    </button>
  );
}

/** A link to a page of ours. */
export function ButtonLink({
  look,
  size,
  icon,
  className,
  children,
  ...rest
}: Omit<LinkProps, "className"> & Appearance & { className?: string }) {
  return (
    <Link {...rest} className={classes({ look, size }, className)}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}
