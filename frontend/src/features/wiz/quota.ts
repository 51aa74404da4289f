/** How many questions are left, said before it hurts. Pure. */

import type { Quota } from "@/lib/api/types";

const FEW = 5;

/** Null while there are plenty. A guest is always told. */
export function quotaLine(quota: Quota, guest: boolean): string | null {
  const { remaining, limit, service_limit_reached } = quota;
  if (service_limit_reached)
    return `Everybody's questions of today are used up. There are new ones ${inTime(quota)}.`;
  if (remaining === 0) return `No questions left today. There are new ones ${inTime(quota)}.`;
  if (!guest && remaining > FEW) return null;
  return `${remaining} of ${limit} questions left today`;
}

/** When there are new questions: "in 3 hours". */
export function inTime({ reset_in_seconds }: Pick<Quota, "reset_in_seconds">): string {
  const minutes = Math.max(1, Math.ceil(reset_in_seconds / 60));
  const words = new Intl.RelativeTimeFormat("en");
  return minutes < 90
    ? words.format(minutes, "minute")
    : words.format(Math.round(minutes / 60), "hour");
}
