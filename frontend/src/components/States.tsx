/** What stands where content would: nothing there yet, or it could not be had. */

import type { ReactNode } from "react";
import { messageOf } from "@/lib/api/errors";
import { Button } from "./Button";
import { Icon, type IconName } from "./Icon";

export function EmptyState({
  icon,
  title,
  as: Heading = "h2",
  children,
}: {
  icon: IconName;
  title: string;
  /** "h1" where it is all that the page has. */
  as?: "h1" | "h2";
  children?: ReactNode;
}) {
  return (
    <div className="mx-auto grid max-w-md justify-items-center gap-3 px-4 py-12 text-center">
      <span className="grid size-14 place-items-center rounded-full bg-accent-tint text-2xl text-accent">
        <Icon name={icon} />
      </span>
      <Heading className="text-lg wrap-anywhere">{title}</Heading>
      <div className="text-soft">{children}</div>
    </div>
  );
}

export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div
      role="alert"
      className="mx-auto grid max-w-md justify-items-center gap-3 px-4 py-10 text-center"
    >
      <Icon name="alert" className="text-2xl text-danger" />
      <p>{messageOf(error)}</p>
      {onRetry && (
        <Button icon="refresh" size="sm" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** One line that needs attention, in the flow of a page. */
export function Notice({
  tone = "warn",
  children,
}: {
  tone?: "warn" | "danger" | "info";
  children: ReactNode;
}) {
  const tones = {
    warn: "bg-warn-tint text-warn",
    danger: "bg-danger-tint text-danger",
    info: "bg-accent-tint text-accent-strong",
  };
  return (
    <div role="status" className={`rounded-md px-4 py-3 text-sm ${tones[tone]}`}>
      {children}
    </div>
  );
}
