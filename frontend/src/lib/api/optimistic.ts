/** Edits that show at once, and are taken back with a message when the server refuses them. */

import { type QueryKey, useMutation, useQueryClient } from "@tanstack/react-query";
import { toast } from "@/lib/toasts";
import { messageOf } from "./errors";

interface Edit<Data, Input> {
  /** The cached answer that the edit changes. */
  queryKey: QueryKey;
  send: (input: Input) => Promise<unknown>;
  /** The answer as it will be; pure. */
  apply: (data: Data, input: Input) => Data;
  /** Begins the message: "The name was not saved". */
  failed: string;
  onError?: (input: Input) => void;
}

export function useOptimistic<Data, Input>(edit: Edit<Data, Input>) {
  const queries = useQueryClient();
  const { queryKey } = edit;
  return useMutation({
    mutationFn: edit.send,
    onMutate: async (input: Input) => {
      await queries.cancelQueries({ queryKey });
      const before = queries.getQueryData<Data>(queryKey);
      if (before !== undefined) queries.setQueryData(queryKey, edit.apply(before, input));
      return before;
    },
    onError: (error, input, before) => {
      queries.setQueryData(queryKey, before);
      toast(`${edit.failed}: ${messageOf(error)}`, { tone: "danger" });
      edit.onError?.(input);
    },
    onSettled: () => queries.invalidateQueries({ queryKey }),
  });
}
