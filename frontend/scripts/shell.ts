/** Names the files of the video page in `index.html`, so that `shell.js` asks for them before the router does. */

import type { Plugin, Rolldown } from "vite";

const PAGE = "src/app/VideoRoute.tsx";
const TEMPLATE = '<template id="shell-video"';

export function shell(): Plugin {
  return {
    name: "vidwiz:shell",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler: (html, { bundle = {} }) => {
        const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
        const page = chunks.find((chunk) => chunk.facadeModuleId?.endsWith(PAGE));
        if (!page || !html.includes(TEMPLATE)) throw new Error(`${PAGE} or ${TEMPLATE} is gone`);
        const files = [...filesOf(page, chunks)].filter((file) => !html.includes(file));
        return html.replace(TEMPLATE, `${TEMPLATE} data-chunks="${files.join(" ")}"`);
      },
    },
  };
}

/** The chunk and everything that it imports statically. */
function filesOf(
  chunk: Rolldown.OutputChunk,
  all: Rolldown.OutputChunk[],
  seen = new Set<string>(),
) {
  if (seen.has(chunk.fileName)) return seen;
  seen.add(chunk.fileName);
  for (const one of all) if (chunk.imports.includes(one.fileName)) filesOf(one, all, seen);
  return seen;
}
