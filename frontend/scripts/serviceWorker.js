// Opens the app without a connection. Nothing of the API is kept, and with a connection every page comes from the server.
// The build puts NAMES (the page's is empty), ENTRY and DIGEST, which is of all that is kept, before these lines.
/* global NAMES, ENTRY, DIGEST */

const BASE = new URL(".", location).pathname; // "/", or "/vidwiz/"
const FILES = NAMES.map((name) => BASE + name);
// All of an origin share what is kept: another VidWiz of it has other names, none of which begins with ours.
const OURS = BASE === "/" ? "vidwiz-app-" : `vidwiz-app:${BASE}:`;
const CACHE = OURS + DIGEST;
const NO_PAGES = /^(api|docs|metrics|openapi\.json)(\/|$)/;

self.addEventListener("install", (event) => event.waitUntil(fill()));

// No tab has the files of an older version open any more.
self.addEventListener("activate", (event) => event.waitUntil(forgetOlder()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (!NO_PAGES.test(pathname.slice(BASE.length))) event.respondWith(newest(request, BASE));
  } else if (pathname.startsWith(`${BASE}assets/`)) {
    // Their names hold their hash: what is kept is what the server has.
    if (FILES.includes(pathname)) event.respondWith(kept(request, pathname));
  } else if (FILES.includes(pathname)) event.respondWith(newest(request, pathname));
});

/** The files of one build, or none: while a server is being updated it may have those of two. */
async function fill() {
  const cache = await caches.open(CACHE);
  try {
    await Promise.all(FILES.map((path) => put(cache, path)));
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

async function put(cache, path) {
  const answer = await fetch(path, {
    cache: path.startsWith(`${BASE}assets/`) ? "default" : "no-cache",
  });
  const isPage = (answer.headers.get("Content-Type") ?? "").startsWith("text/html");
  const isOurs = path !== BASE || (await answer.clone().text()).includes(ENTRY);
  if (!answer.ok || isPage !== (path === BASE) || !isOurs) {
    throw new Error(`${path} is not of this build`);
  }
  await cache.put(path, answer);
}

async function forgetOlder() {
  const names = await caches.keys();
  const older = names.filter((name) => name.startsWith(OURS) && name !== CACHE);
  await Promise.all(older.map((name) => caches.delete(name)));
}

/** From the server; from here only where it cannot be reached. */
async function newest(request, path) {
  try {
    return await fetch(request);
  } catch (error) {
    const copy = await find(path);
    if (copy) return copy;
    throw error;
  }
}

async function kept(request, path) {
  return (await find(path)) ?? fetch(request);
}

function find(path) {
  return caches.match(path, { cacheName: CACHE, ignoreVary: true });
}
