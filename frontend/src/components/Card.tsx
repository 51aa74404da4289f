/** A raised surface. */

import type { ComponentProps } from "react";
import { cx } from "@/lib/classes";

export function Card({ className, ...rest }: ComponentProps<"section">) {
  return (
    <section
      {...rest}
      className={cx("min-w-0 rounded-lg border border-line bg-surface p-5 sm:p-6", className)}
    />
  );
}
