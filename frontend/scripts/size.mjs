/** Fails when the JavaScript that the first page needs is more than 200 kB gzipped. */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 200_000;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));

/** The chunk and everything that it imports statically. */
function filesOf(name, seen = new Set()) {
  const { file, imports = [] } = manifest[name];
  if (!seen.has(file)) {
    seen.add(file);
    imports.forEach((one) => filesOf(one, seen));
  }
  return seen;
}

const scripts = [...filesOf("index.html")].filter((file) => file.endsWith(".js"));
const sizes = scripts.map((file) => gzipSync(readFileSync(new URL(file, dist))).length);
const total = sizes.reduce((sum, size) => sum + size, 0);
console.log(
  `Initial JavaScript: ${(total / 1000).toFixed(1)} kB gzipped of at most ${LIMIT / 1000}.`,
);
process.exitCode = total > LIMIT ? 1 : 0;
