/** The transcript: it follows the player, can be searched, and holds hours of lines. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Loading, Skeleton } from "@/components/Spinner";
import { ErrorState } from "@/components/States";
import { transcriptQuery } from "../queries";
import { linesOf } from "@/lib/segments";
import { TranscriptLines } from "./TranscriptLines";

export function TranscriptPanel({
  videoId,
  onNote,
}: {
  videoId: string;
  onNote: (seconds: number) => void;
}) {
  const transcript = useQuery(transcriptQuery(videoId));
  const lines = useMemo(() => linesOf(transcript.data ?? []), [transcript.data]);
  if (transcript.isPending) return <LoadingTranscript />;
  if (transcript.isError) {
    return <ErrorState error={transcript.error} onRetry={() => void transcript.refetch()} />;
  }
  return <TranscriptLines lines={lines} onNote={onNote} />;
}

function LoadingTranscript() {
  return (
    <Loading label="The transcript is loading">
      <div className="grid gap-2 p-3">
        {["w-5/6", "w-full", "w-2/3", "w-11/12", "w-3/4"].map((width) => (
          <Skeleton key={width} className={`h-7 ${width}`} />
        ))}
      </div>
    </Loading>
  );
}
