/** Finds the link in what a phone shares. */

/** The link of ``url``, or the first one in ``text`` or ``title``, where many apps put it. */
export function sharedLink(search: URLSearchParams): string {
  const texts = ["url", "text", "title"].map((name) => search.get(name) ?? "");
  const link = texts.map((text) => /https?:\/\/\S+/.exec(text)?.[0]).find(Boolean);
  return link ?? texts.find((text) => text.trim()) ?? "";
}
