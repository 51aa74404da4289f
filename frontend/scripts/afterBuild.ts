/** A plugin that works on the folder of a build once its files are written, in the plugins' order. */

import { join } from "node:path";
import type { Plugin, Rollup } from "vite";

export function afterBuild(
  name: string,
  work: (folder: string, bundle: Rollup.OutputBundle) => Promise<void>,
): Plugin {
  let folder = "";
  return {
    name,
    apply: "build",
    configResolved: ({ root, build }) => {
      folder = join(root, build.outDir);
    },
    writeBundle: {
      sequential: true,
      order: "post",
      handler: (_, bundle) => work(folder, bundle),
    },
  };
}
