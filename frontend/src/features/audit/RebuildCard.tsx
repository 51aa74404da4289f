/** Makes the tables again from the log, and shows how far that is. */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { ProgressBar } from "@/components/ProgressBar";
import { send } from "@/lib/api/client";
import { messageOf } from "@/lib/api/errors";
import type { Rebuild } from "@/lib/api/types";
import { momentOf } from "@/lib/time";
import { toast } from "@/lib/toasts";
import { Answered } from "./Answered";
import { isUnderWay, rebuildQuery } from "./queries";

export function RebuildCard() {
  const [asking, setAsking] = useState(false);
  const rebuild = useQuery(rebuildQuery);
  const start = useStart(() => setAsking(false));
  return (
    <Card className="grid gap-4">
      <h2 className="text-lg">Rebuild</h2>
      <p className="text-sm text-soft">
        Replays the log into new tables while the service runs, and swaps them in at once.
      </p>
      <Answered query={rebuild}>{(state) => <Progress {...state} />}</Answered>
      <Button
        icon="refresh"
        className="justify-self-start"
        disabled={rebuild.data && isUnderWay(rebuild.data)}
        onClick={() => setAsking(true)}
      >
        Rebuild all tables
      </Button>
      {asking && (
        <ConfirmDialog
          title="Rebuild all tables?"
          action="Rebuild"
          busy={start.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => start.mutate()}
        >
          The service goes on meanwhile, though slower.
        </ConfirmDialog>
      )}
    </Card>
  );
}

function useStart(onSettled: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => send("post", "/api/audit/rebuild", { as: "admin" }),
    onSuccess: (state) => queries.setQueryData(rebuildQuery.queryKey, state),
    onError: (error) => toast(messageOf(error), { tone: "danger" }),
    onSettled,
  });
}

function Progress(rebuild: Rebuild) {
  return (
    <div role="status" className="grid gap-2 text-sm">
      <p className={rebuild.state === "failed" ? "text-danger" : ""}>{inWords(rebuild)}</p>
      {rebuild.maintenance && (
        <ProgressBar
          label="Progress of the replay"
          value={rebuild.maintenance.position}
          of={rebuild.maintenance.of}
        />
      )}
    </div>
  );
}

function inWords({ state, ended_at, error, maintenance }: Rebuild): string {
  if (maintenance) {
    const { kind, position, of } = maintenance;
    const what = kind === "rebuild" ? "Rebuilding" : "Verifying";
    return position === null ? `${what}…` : `${what}: event ${position} of ${of ?? "?"}`;
  }
  if (state === "running") return "Rebuilding…";
  if (state === "failed") return `The last rebuild failed: ${error ?? "no reason was recorded"}`;
  return ended_at ? `Rebuilt ${momentOf(ended_at)}.` : "No rebuild was asked for here yet.";
}
