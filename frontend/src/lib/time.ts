/** Times within a video, as people write them. */

/** Seconds as "m:ss" or "h:mm:ss". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [first = 0, ...rest] = parts[0] ? parts : parts.slice(1);
  return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}

/** The seconds that "7:55:35" or "12:34" means; null for anything else. */
export function secondsOf(timestamp: string): number | null {
  const parts = timestamp.trim().split(":");
  if (parts.length < 2 || parts.length > 3) return null;
  if (!parts.every((part) => /^\d{1,4}(\.\d+)?$/.test(part))) return null;
  return parts.reduce((sum, part) => sum * 60 + Number(part), 0);
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function dateOf(iso: string): string {
  return DATE.format(new Date(iso));
}

export function momentOf(iso: string): string {
  return MOMENT.format(new Date(iso));
}
