/** Times within a video, as people write them. */

/** Seconds as "m:ss" or "h:mm:ss". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [first = 0, ...rest] = parts[0] ? parts : parts.slice(1);
  return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}

/** As the server reads them: see `tests/cases/note_times.json`. */
const TIME = /^ *(?:([0-9]{1,4})|(?:([0-9]{1,4}):)([0-5]?[0-9])):([0-5]?[0-9](?:\.[0-9]{1,6})?) *$/;

/** The seconds that "7:55:35" or "12:34" means; null for anything else. */
export function secondsOf(timestamp: string): number | null {
  const match = TIME.exec(timestamp);
  if (!match) return null;
  const [, allMinutes = 0, hours = 0, minutes = 0, seconds = 0] = match;
  return (Number(hours) * 60 + Number(minutes) + Number(allMinutes)) * 60 + Number(seconds);
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function dateOf(iso: string): string {
  return DATE.format(new Date(iso));
}

export function momentOf(iso: string): string {
  return MOMENT.format(new Date(iso));
}
