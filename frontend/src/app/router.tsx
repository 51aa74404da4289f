/** The addresses, and the page that each one loads when it is first needed. */

import type { ComponentType } from "react";
import { createBrowserRouter, type RouteObject } from "react-router";
import { CrashPage } from "./CrashPage";
import { NotFoundPage } from "./NotFoundPage";
import { Shell } from "./Shell";
import { SignedIn } from "./SignedIn";

type Page = () => Promise<ComponentType>;

const page = (path: string, load: Page): RouteObject => ({
  path,
  lazy: async () => ({ Component: await load() }),
});

export const router = createBrowserRouter([
  {
    Component: Shell,
    HydrateFallback: () => null,
    children: [
      {
        ErrorBoundary: CrashPage,
        children: [
          page(
            "/videos/:videoId",
            async () => (await import("@/features/videos/VideoPage")).VideoPage,
          ),
          { Component: SignedIn, children: [] },
          { path: "*", Component: NotFoundPage },
        ],
      },
    ],
  },
]);
