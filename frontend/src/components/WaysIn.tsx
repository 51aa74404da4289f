/** The ways to an account, which lead back to this page. */

import { useLocation } from "react-router";
import { ButtonLink } from "./Button";

export function WaysIn({ search = "" }: { search?: string }) {
  const { pathname } = useLocation();
  const next = `?next=${encodeURIComponent(pathname + search)}`;
  return (
    <div className="flex flex-wrap gap-2">
      <ButtonLink to={`/signup${next}`} look="primary" size="sm">
        Sign up
      </ButtonLink>
      <ButtonLink to={`/login${next}`} size="sm">
        Log in
      </ButtonLink>
    </div>
  );
}
