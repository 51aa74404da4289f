/** Captions that users uploaded of videos without a transcript: an admin shares them with everyone. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { Button } from "@/components/Button";
import { EmptyState } from "@/components/States";
import type { UnsharedTranscript } from "@/lib/api/types";
import { momentOf } from "@/lib/time";
import { Answered } from "./Answered";
import { unsharedQuery } from "./queries";
import { ShareCaptions } from "./ShareCaptions";
import { nameOf } from "./words";

export function CaptionsPage() {
  const uploaded = useInfiniteQuery(unsharedQuery);
  const [shown, show] = useState<UnsharedTranscript | null>(null);
  const close = () => {
    show(null);
    void uploaded.refetch();
  };
  return (
    <div className="grid gap-4">
      <h2 className="text-lg">Uploaded captions</h2>
      <p className="max-w-prose text-soft">
        Videos without a transcript for which users uploaded captions. Only the user who uploaded
        them sees them until you share them. A transcript that a worker fetches later replaces them.
      </p>
      <Answered query={uploaded}>
        {({ pages }) => {
          const found = pages.flatMap((page) => page.transcripts);
          if (!found.length) {
            return <EmptyState icon="quote" title="No captions wait to be shared" />;
          }
          return <Uploaded all={found} onPreview={show} />;
        }}
      </Answered>
      {uploaded.hasNextPage && (
        <Button
          className="justify-self-center"
          busy={uploaded.isFetchingNextPage}
          onClick={() => void uploaded.fetchNextPage()}
        >
          Older captions
        </Button>
      )}
      {shown && <ShareCaptions of={shown} onClose={close} />}
    </div>
  );
}

function Uploaded({
  all,
  onPreview,
}: {
  all: UnsharedTranscript[];
  onPreview: (chosen: UnsharedTranscript) => void;
}) {
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {all.map((uploaded) => (
        <li
          key={uploaded.transcript_id}
          className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3"
        >
          <div className="min-w-0 grow basis-64">
            <h3 className="text-base wrap-anywhere">{nameOf(uploaded)}</h3>
            <Facts {...uploaded} />
          </div>
          <Button
            size="sm"
            aria-label={`Preview the captions of ${nameOf(uploaded)} from user ${uploaded.user_id}`}
            onClick={() => onPreview(uploaded)}
          >
            Preview
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Facts({ user_id, segments, source, created_at }: UnsharedTranscript) {
  return (
    <p className="text-sm text-soft">
      <Link to={`/admin?user_id=${user_id}`} className="text-accent underline underline-offset-4">
        User {user_id}
      </Link>
      , {segments === 1 ? "1 line" : `${segments.toLocaleString("en")} lines`},{" "}
      {source === "upload" ? "uploaded" : "fetched"}{" "}
      <time dateTime={created_at}>{momentOf(created_at)}</time>
    </p>
  );
}
