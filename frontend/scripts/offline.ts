/** Writes `sw.js`, which opens this build without a connection, with the names of its files. */

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterBuild } from "./afterBuild.ts";

const SOURCE = new URL("serviceWorker.js", import.meta.url);
const NEEDED = /^(assets\/.*\.(js|css)|index\.html|shell\.js|theme\.js|icon\.svg)$/;

export const offline = () =>
  afterBuild("vidwiz:offline", async (folder, bundle) => {
    const entry = Object.values(bundle).find((one) => one.type === "chunk" && one.isEntry);
    if (!entry) throw new Error("the build has no entry");
    const names = (await readdir(folder, { recursive: true })).filter((it) => NEEDED.test(it));
    const digest = createHash("sha256");
    for (const name of names.sort()) {
      digest.update(name).update(await readFile(join(folder, name)));
    }
    const known = {
      NAMES: names.map((name) => (name === "index.html" ? "" : name)),
      ENTRY: entry.fileName,
      DIGEST: digest.digest("hex").slice(0, 16),
    };
    const lines = Object.entries(known).map(
      ([name, its]) => `const ${name} = ${JSON.stringify(its)};\n`,
    );
    await writeFile(join(folder, "sw.js"), lines.join("") + (await readFile(SOURCE, "utf8")));
  });
