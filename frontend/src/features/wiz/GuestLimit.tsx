/** A guest has asked all there is for a day: the way on, and the question stays. */

import { useQuery } from "@tanstack/react-query";
import { WaysIn } from "@/components/WaysIn";
import { configQuery } from "@/lib/api/queries";

export function GuestLimit() {
  const daily = useQuery(configQuery).data?.user_daily_limit;
  return (
    <div role="alert" className="grid gap-2 rounded-md bg-accent-tint p-3 text-sm">
      <p className="text-accent-strong">
        Those were today’s questions for guests. With an account you have{" "}
        {daily ? `${daily} a day` : "more"}, and your notes are kept. Your question stays here.
      </p>
      <WaysIn search="?tab=wiz" />
    </div>
  );
}
