/** The addresses, and the page that each one loads when it is first needed. */

import type { ComponentType } from "react";
import { createBrowserRouter, type NonIndexRouteObject, type RouteObject } from "react-router";
import { HomePage } from "@/features/home/HomePage";
import { BASE_PATH } from "@/lib/basePath";
import { CrashPage } from "./CrashPage";
import { NotFoundPage } from "./NotFoundPage";
import { Shell } from "./Shell";
import { SignedIn } from "./SignedIn";

type Page = () => Promise<ComponentType>;

const page = (path: string, load: Page): NonIndexRouteObject => ({
  path,
  lazy: async () => ({ Component: await load() }),
});

const routes: RouteObject[] = [
  {
    Component: Shell,
    HydrateFallback: () => null,
    children: [
      {
        ErrorBoundary: CrashPage,
        children: [
          { path: "/", Component: HomePage },
          page("/login", async () => (await import("@/features/account/LoginPage")).LoginPage),
          page("/signup", async () => (await import("@/features/account/SignupPage")).SignupPage),
          page("/help", async () => (await import("@/features/help/HelpPage")).HelpPage),
          page("/share", async () => (await import("@/features/share/SharePage")).SharePage),
          page("/videos/:videoId", async () => (await import("./VideoRoute")).VideoRoute),
          {
            ...page("/admin", async () => (await import("@/features/audit/AuditPage")).AuditPage),
            children: [
              page("", async () => (await import("@/features/audit/EventsPage")).EventsPage),
              page(
                "events/:position",
                async () => (await import("@/features/audit/EventPage")).EventPage,
              ),
              page(
                "correlations/:id",
                async () => (await import("@/features/audit/CorrelationPage")).CorrelationPage,
              ),
              page(
                "captions",
                async () => (await import("@/features/audit/CaptionsPage")).CaptionsPage,
              ),
              page("health", async () => (await import("@/features/audit/HealthPage")).HealthPage),
            ],
          },
          {
            Component: SignedIn,
            children: [
              page(
                "/videos",
                async () => (await import("@/features/library/LibraryPage")).LibraryPage,
              ),
              page(
                "/profile",
                async () => (await import("@/features/profile/ProfilePage")).ProfilePage,
              ),
            ],
          },
          { path: "*", Component: NotFoundPage },
        ],
      },
    ],
  },
];

export const router = createBrowserRouter(routes, { basename: BASE_PATH });
