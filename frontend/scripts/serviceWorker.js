// Opens the app without a connection. Nothing of the API is kept, and with a connection every page comes from the server.
// The build puts FILES, ENTRY and CACHE, which is named for all that is in it, before these lines.
/* global FILES, ENTRY, CACHE */

const OURS = "vidwiz-app-";
const NO_PAGES = /^\/(api|docs|metrics|openapi\.json)(\/|$)/;

self.addEventListener("install", (event) => event.waitUntil(fill()));

// No tab has the files of an older version open any more.
self.addEventListener("activate", (event) => event.waitUntil(forgetOlder()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (!NO_PAGES.test(pathname)) event.respondWith(newest(request, "/"));
  } else if (pathname.startsWith("/assets/")) {
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
  const answer = await fetch(path, { cache: path.startsWith("/assets/") ? "default" : "no-cache" });
  const isPage = (answer.headers.get("Content-Type") ?? "").startsWith("text/html");
  const isOurs = path !== "/" || (await answer.clone().text()).includes(ENTRY);
  if (!answer.ok || isPage !== (path === "/") || !isOurs) {
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
