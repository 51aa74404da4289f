/** How the web app is built and tested. */

import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { compress } from "./scripts/compress.ts";
import { offline } from "./scripts/offline.ts";
import { shell } from "./scripts/shell.ts";

export default defineConfig({
  plugins: [react(), tailwindcss(), shell(), offline(), compress()],
  resolve: { alias: { "@": fileURLToPath(new URL("src", import.meta.url)) } },
  // index.html names its files from the root, which the server changes for a sub-path; files name
  // each other from where they are.
  experimental: {
    renderBuiltUrl: (_, { hostType }) => (hostType === "html" ? undefined : { relative: true }),
  },
  build: {
    manifest: true,
    // Neither an inlined script nor data: URLs pass the Content-Security-Policy.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // How long compressing took is nothing that whoever installs VidWiz has to mend.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8000" } },
  test: {
    environment: "jsdom",
    setupFiles: "src/lib/testing/setup.ts",
    maxWorkers: 2,
    testTimeout: 30_000,
    isolate: false, // one jsdom for a worker: the setup cleans up after every test
  },
});
