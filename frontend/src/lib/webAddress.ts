/** Addresses of the web in texts of others. Pure. */

/** The address of a link that may be followed: http or https, with a host and without a user. */
export function webAddress(href: string): URL | null {
  if (!/^https?:\/\/[^/\\]/i.test(href) || !URL.canParse(href)) return null;
  const address = new URL(href);
  return address.username || address.password ? null : address;
}

/** Whether words say where an address leads, to the letter: the whole of it, or its bare host. */
export function isAddressOf({ href, host, pathname }: URL, words: string): boolean {
  const said = words.trim();
  return said === href || said === href.replace(/\/$/, "") || (said === host && pathname === "/");
}
