/** What the video still lacks, why, and the way out. */

import { useState } from "react";
import { Button } from "@/components/Button";
import { Spinner } from "@/components/Spinner";
import { Icon } from "@/components/Icon";
import { UploadCaptions } from "./UploadCaptions";
import type { Status } from "./progress";

export function Statuses({
  videoId,
  statuses,
  retrying,
  onRetry,
}: {
  videoId: string;
  statuses: Status[];
  retrying: boolean;
  onRetry: () => void;
}) {
  return (
    <div role="status" className="has-[li]:mt-4">
      <ul className="grid gap-2 empty:hidden">
        {statuses.map((status) => (
          <OneStatus
            key={status.part}
            status={status}
            videoId={videoId}
            retrying={retrying}
            onRetry={onRetry}
          />
        ))}
      </ul>
    </div>
  );
}

function OneStatus({
  status,
  videoId,
  retrying,
  onRetry,
}: {
  status: Status;
  videoId: string;
  retrying: boolean;
  onRetry: () => void;
}) {
  const [uploading, setUploading] = useState(false);
  const { text, stuck, retry, upload } = status;
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md bg-sunken px-3 py-2 text-sm">
      {stuck ? <Icon name="alert" className="text-warn" /> : <Spinner className="text-accent" />}
      <span className="min-w-40 grow basis-0">{text}</span>
      {retry && (
        <Button size="sm" icon="refresh" busy={retrying} onClick={onRetry}>
          Try again
        </Button>
      )}
      {upload && (
        <Button size="sm" icon="upload" onClick={() => setUploading(true)}>
          Upload captions
        </Button>
      )}
      {uploading && <UploadCaptions videoId={videoId} onClose={() => setUploading(false)} />}
    </li>
  );
}
