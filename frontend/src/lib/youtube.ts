/** YouTube's links, read as the server reads them: see `tests/cases/youtube_links.json`. */

import { Refusal } from "@/lib/api/errors";

export interface VideoLink {
  videoId: string;
  /** The second at which the link begins; null where it does not say. */
  start: number | null;
}

const LONGEST = 2000;
const INVISIBLE = "\\u200b-\\u200f\\u202a-\\u202e\\u2060\\u2066-\\u2069\\ufeff";
const ID = /^[A-Za-z0-9_-]{11}$/;
const ID_FIRST = /^([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])/;
const AROUND = new RegExp(`^[\\s${INVISIBLE}]+|[\\s${INVISIBLE}]+$`, "g");
const BETWEEN = new RegExp(`[\\s${INVISIBLE}<>()\\[\\]{}"'\`*|\\u201c-\\u201f\\u00ab\\u00bb]+`);
const WORDS_BEFORE = /^[^/?=@.%#&\\]*?(?=https?:\/\/)/i;
const LINK =
  /^(?:(?:https?:)?\/\/)?(?:[a-z0-9-]+\.)*(youtube\.com|youtube-nocookie\.com|youtu\.be)\.?(?::(?:80|443))?(\/[^?#]*)(?:\?([^#]*))?(?:#.*)?$/is;
const WITH_QUERY = /^\/(?:watch(?:_popup)?\/?)?$/;
const WITH_PATH = /^\/(?:watch|shorts|live|embed|vi?|e)\/(.*)$/s;
const HOLDING_A_LINK: Record<string, string> = {
  "/attribution_link": "u",
  "/redirect": "q",
  "/oembed": "url",
  "/m": "continue",
};
/** What stands in an id's place in links to playlists and channels, and is as long as one. */
const NO_IDS = ["videoseries", "live_stream"];
const START = /[?&#](?:t|start|time_continue)=(\d[\dhms]*)/i;
const SPELLED = /^(?:(\d{1,3})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s?)?$/i;

/** The video and the second that a text leads to; throws a Refusal with a sentence for people. */
export function videoLinkOf(input: string): VideoLink {
  const text = input.replace(AROUND, "");
  if (!text) throw new Refusal("Paste a link to a YouTube video.");
  if (ID.test(text)) return { videoId: text, start: null };
  const found = linkIn(text);
  if (found) return found;
  if (text.includes("list=")) {
    throw new Refusal("That is a playlist. Open one of its videos and paste its link.");
  }
  throw new Refusal("That is not a link to a YouTube video.");
}

/** Whether it is one; for deciding what to do with a text, not for telling why. */
export function isVideoLink(text: string): boolean {
  return linkIn(text.replace(AROUND, "")) !== null;
}

export function thumbnailOf(videoId: string): string {
  return `https://i.ytimg.com/vi/${videoId}/mqdefault.jpg`;
}

/** The first link to a video in a text. */
function linkIn(text: string): VideoLink | null {
  if (text.length > LONGEST) return null;
  for (const word of text.replaceAll("&amp;", "&").split(BETWEEN)) {
    const found = linked(word.replace(WORDS_BEFORE, ""));
    if (found) return found;
  }
  return null;
}

/** What a link leads to; within another link nothing is nested. */
function linked(link: string, within = false): VideoLink | null {
  const [, host = "", path = "", rest = ""] = LINK.exec(link) ?? [];
  if (!host) return null;
  const query = new URLSearchParams(rest);
  if (host.toLowerCase() === "youtu.be") return starting(path.slice(1), link);
  if (WITH_QUERY.test(path)) return starting(query.get("v") || query.get("vi") || "", link);
  const inPath = WITH_PATH.exec(path)?.[1];
  if (inPath !== undefined) return starting(inPath, link);
  const target = query.get(HOLDING_A_LINK[path] ?? "");
  if (within || !target) return null;
  return linked(target.startsWith("/") ? `youtube.com${target}` : target, true);
}

function starting(text: string, link: string): VideoLink | null {
  const videoId = ID_FIRST.exec(text)?.[1];
  if (!videoId || NO_IDS.includes(videoId)) return null;
  return { videoId, start: secondsIn(START.exec(link)?.[1] ?? "") };
}

/** "90", "90s" and "1h2m3s" in seconds; null for what is no time. */
export function secondsIn(text: string): number | null {
  const [whole, hours = 0, minutes = 0, seconds = 0] = SPELLED.exec(text) ?? [];
  return whole ? Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) : null;
}
