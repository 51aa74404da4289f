/** Whether only the operator opens accounts on this server. */

import { useQuery } from "@tanstack/react-query";
import { configQuery } from "@/lib/api/queries";

export function useSignUpClosed(): boolean {
  return useQuery(configQuery).data?.sign_up === "closed";
}
