import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { expect, test } from "vitest";
import { toastStore } from "@/lib/toasts";
import { ApiError } from "./errors";
import { useOptimistic } from "./optimistic";

function edited(send: (name: string) => Promise<unknown>) {
  const queries = new QueryClient();
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={queries}>{children}</QueryClientProvider>
  );
  const kept = {
    queryKey: ["name"],
    initialData: "Ann",
    queryFn: () => "Ann",
    staleTime: Infinity,
  };
  const edit = {
    queryKey: ["name"],
    apply: (_: string, name: string) => name,
    failed: "Not saved",
  };
  return renderHook(
    () => ({ name: useQuery(kept).data, edit: useOptimistic<string, string>({ ...edit, send }) }),
    { wrapper },
  ).result;
}

test("an edit shows before the server has answered", async () => {
  const result = edited(() => new Promise(() => undefined));
  act(() => result.current.edit.mutate("Bea"));
  await waitFor(() => expect(result.current.name).toBe("Bea"));
});

test("a refused edit is taken back, and a message says why", async () => {
  const refusal = new ApiError(422, "VALIDATION_ERROR", "Name is too short.");
  const result = edited(() => Promise.reject(refusal));
  act(() => result.current.edit.mutate("B"));
  await waitFor(() => expect(result.current.edit.isError).toBe(true));
  expect(result.current.name).toBe("Ann");
  expect(toastStore.read().at(-1)?.text).toBe("Not saved: Name is too short.");
});
