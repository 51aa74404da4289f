/** Pages behind it are for people with an account; others sign in first and come back. */

import { Navigate, Outlet, useLocation } from "react-router";
import { session } from "@/lib/auth/credentials";
import { useSession } from "@/lib/auth/useSession";

export function SignedIn() {
  const here = useLocation();
  if (useSession()) return <Outlet />;
  if (session.wasLeft()) return <Navigate to="/" replace />;
  const next = here.pathname + here.search;
  return <Navigate to={`/login?next=${encodeURIComponent(next)}`} replace />;
}
