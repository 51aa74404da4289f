/** Writes `.br` and `.gz` beside every file of the build that they make smaller; the server sends those. */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { afterBuild } from "./afterBuild.ts";

const TEXT = /\.(html|js|css|json|svg|txt|map)$/;

export const compress = () =>
  afterBuild("vidwiz:compress", async (folder) => {
    const names = await readdir(folder, { recursive: true });
    await Promise.all(
      names.filter((name) => TEXT.test(name)).map((name) => writeCopies(join(folder, name))),
    );
  });

async function writeCopies(path: string) {
  const content = await readFile(path);
  const copies = {
    br: await promisify(brotliCompress)(content, {
      params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    }),
    gz: await promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
  };
  for (const [ending, copy] of Object.entries(copies)) {
    if (copy.length < content.length) await writeFile(`${path}.${ending}`, copy);
  }
}
