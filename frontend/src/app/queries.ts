/** The cache of what the server said. */

import { QueryClient } from "@tanstack/react-query";
import { retriable } from "@/lib/api/queries";

export const queryClient = new QueryClient({
  defaultOptions: { queries: { staleTime: 30_000, retry: retriable } },
});
