/** Where the app lies on the server. One build serves every path: a file of it knows where it came from. */

/** "/" or, under a sub-path, "/vidwiz/". */
export const BASE_PATH = import.meta.env.PROD ? pathAboveFolder(import.meta.url) : "/";

/** The folder above the one that holds the file: built files lie in `assets/`. */
export function pathAboveFolder(file: string): string {
  return new URL("..", file).pathname;
}

/** The address of a path that begins with a slash, such as "/api/notes". */
export function addressOf(path: string, base = BASE_PATH): string {
  return base + path.slice(1);
}

/** A name in what all pages of an origin share (storage, locks, channels), for this VidWiz alone. */
export function ownName(name: string, base = BASE_PATH): string {
  return base === "/" ? name : base + name;
}
