/** What is around every page: header, skip link, banners, toasts. `index.html` paints the header first. */

import { useEffect, useRef } from "react";
import {
  Link,
  type Location,
  NavLink,
  Outlet,
  ScrollRestoration,
  useLocation,
  useNavigation,
} from "react-router";
import { Toasts } from "@/components/Toasts";
import { useSession } from "@/lib/auth/useSession";
import { useOnline } from "@/lib/online";
import { LiveNotice } from "./LiveNotice";
import { Logo } from "./Logo";
import { Overlays } from "./Overlays";
import { ThemeToggle } from "./ThemeToggle";
import { UserMenu } from "./UserMenu";

export function Shell() {
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="sr-only z-50 rounded-md bg-accent text-on-accent focus:not-sr-only focus:fixed focus:px-4 focus:py-2 focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <Header />
      <PageLoading />
      <Main />
      <Toasts />
      <Overlays />
      <ScrollRestoration getKey={placeOf} />
    </div>
  );
}

/** What a scroll position is kept for: a visit, or where none is known (a page loaded anew) its address. */
function placeOf({ key, pathname }: Location): string {
  return key === "default" ? pathname : key;
}

function Header() {
  const session = useSession();
  return (
    <header className="sticky top-0 z-20 border-b border-line bg-paper/90 backdrop-blur">
      <div className="mx-auto flex h-14 max-w-7xl items-center gap-1 px-4 sm:gap-4 sm:px-6">
        <Link to={session ? "/videos" : "/"} aria-label="VidWiz, start">
          <Logo />
        </Link>
        <nav aria-label="Main" className="flex grow items-center gap-1">
          {session && <Place to="/videos">Videos</Place>}
        </nav>
        <LiveNotice />
        <ThemeToggle />
        <UserMenu />
      </div>
      <OfflineBanner />
    </header>
  );
}

function Place({ to, children }: { to: string; children: string }) {
  return (
    <NavLink
      to={to}
      end
      className="rounded-md px-3 py-2 text-sm font-medium text-soft hover:bg-sunken hover:text-ink aria-[current=page]:text-ink"
    >
      {children}
    </NavLink>
  );
}

/** A line below the header while the next page's code is on its way. */
function PageLoading() {
  if (useNavigation().state === "idle") return null;
  return <div className="sticky top-14 z-20 -mb-0.5 h-0.5 animate-breathe bg-accent" />;
}

function OfflineBanner() {
  if (useOnline()) return null;
  return (
    <div role="status" className="bg-warn-tint px-4 py-2 text-center text-sm text-warn">
      You are offline. What you type is kept; the rest waits for the connection.
    </div>
  );
}

/** Takes the focus when the page changes, so that keyboards and screen readers start at its top. */
function Main() {
  const ref = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current !== pathname) ref.current?.focus({ preventScroll: true });
    shown.current = pathname;
  }, [pathname]);
  return (
    <main
      id="main"
      ref={ref}
      tabIndex={-1}
      className="mx-auto w-full max-w-7xl grow px-4 py-6 outline-none sm:px-6 sm:py-8"
    >
      <Outlet />
    </main>
  );
}
