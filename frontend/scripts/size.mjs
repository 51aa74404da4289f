/**
 * Fails when the JavaScript that the first page needs is more than 200 kB as it is sent to a browser that
 * takes gzip, or when a file of the build has no compressed copy, or another one than itself.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const LIMIT = 200_000;
/** Smaller files fit into one packet anyhow, and some of them only grow. */
const WORTH_IT = 1_000;
const dist = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const DECODED = { ".br": brotliDecompressSync, ".gz": gunzipSync };

/** The chunk and everything that it imports statically. */
function filesOf(name, seen = new Set()) {
  const { file, imports = [] } = manifest[name];
  if (!seen.has(file)) {
    seen.add(file);
    imports.forEach((one) => filesOf(one, seen));
  }
  return seen;
}

/** What is wrong with the compressed copies of a file. */
function faultsOf(file) {
  const content = readFileSync(new URL(file, dist));
  return Object.entries(DECODED).flatMap(([ending, decoded]) => {
    const copy = new URL(file + ending, dist);
    if (!existsSync(copy))
      return content.length < WORTH_IT ? [] : [`${file}${ending} is not there`];
    return decoded(readFileSync(copy)).equals(content) ? [] : [`${file}${ending} is another file`];
  });
}

const faults = readdirSync(dist, { recursive: true })
  .filter((file) => /\.(html|js|css|json|svg|txt)$/.test(file))
  .flatMap(faultsOf);
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}

const scripts = [...filesOf("index.html")].filter((file) => file.endsWith(".js"));
const sizes = scripts.map((file) => readFileSync(new URL(`${file}.gz`, dist)).length);
const total = sizes.reduce((sum, size) => sum + size, 0);
console.log(
  `Initial JavaScript: ${(total / 1000).toFixed(1)} kB gzipped of at most ${LIMIT / 1000}.`,
);
process.exitCode = total > LIMIT ? 1 : 0;
