/** Where to go after signing in. */

/** The page that was asked for; only one of ours, so that no link leads astray. */
export function nextOf(search: URLSearchParams): string {
  const next = search.get("next") ?? "";
  return /^\/(?![/\\])/.test(next) ? next : "/videos";
}
