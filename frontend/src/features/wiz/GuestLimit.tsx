/** A guest has asked all there is for a day: the way on, and the question stays. */

import { useQuery } from "@tanstack/react-query";
import { useLocation } from "react-router";
import { ButtonLink } from "@/components/Button";
import { configQuery } from "@/lib/api/queries";

export function GuestLimit() {
  const { pathname } = useLocation();
  const daily = useQuery(configQuery).data?.user_daily_limit;
  const next = `?next=${encodeURIComponent(`${pathname}?tab=wiz`)}`;
  return (
    <div role="alert" className="grid gap-2 rounded-md bg-accent-tint p-3 text-sm">
      <p className="text-accent-strong">
        Those were today’s questions for guests. With an account you have{" "}
        {daily ? `${daily} a day` : "more"}, and your notes are kept. Your question stays here.
      </p>
      <div className="flex flex-wrap gap-2">
        <ButtonLink to={`/signup${next}`} look="primary" size="sm">
          Sign up
        </ButtonLink>
        <ButtonLink to={`/login${next}`} size="sm">
          Log in
        </ButtonLink>
      </div>
    </div>
  );
}
