/** Waits for an answer, and says so when the admin token was wrong. */

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Loading, Skeleton } from "@/components/Spinner";
import { ErrorState } from "@/components/States";

export function Answered<Data>({
  query,
  children,
}: {
  query: Pick<UseQueryResult<Data>, "data" | "error" | "refetch">;
  children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) {
    return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  }
  return (
    <Loading label="Loading">
      <Skeleton className="h-64" />
    </Loading>
  );
}
