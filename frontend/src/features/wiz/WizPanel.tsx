/** Wiz: questions about the video, answered from its transcript with citations that seek. */

import { ErrorState, Notice } from "@/components/States";
import { Loading, Skeleton } from "@/components/Spinner";
import { AskForm } from "./AskForm";
import { Conversations } from "./Conversations";
import { ExchangeView } from "./ExchangeView";
import { Suggestions } from "./Suggestions";
import { useStickToEnd } from "./useStickToEnd";
import { useWiz } from "./useWiz";

interface Props {
  videoId: string;
  title: string | null;
  summary: string | null;
  hasTranscript: boolean;
  onSeek: (seconds: number) => void;
  onNote: (seconds: number, text: string) => void;
}

export function WizPanel({ videoId, title, summary, hasTranscript, onSeek, onNote }: Props) {
  const wiz = useWiz(videoId);
  const { exchanges, conversation } = wiz;
  const loading = wiz.id !== null && conversation.isPending && !exchanges.length;
  const end = useStickToEnd(exchanges);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <Conversations list={wiz.list} chosen={wiz.id} onChoose={wiz.choose} />
      <div {...end} className="min-h-0 grow overflow-y-auto p-4">
        {!hasTranscript && (
          <Notice tone="info">
            Wiz answers from the transcript, which is not there yet. You can write your question in
            the meantime.
          </Notice>
        )}
        {loading && <LoadingTalk />}
        {conversation.isError && (
          <ErrorState error={conversation.error} onRetry={() => void conversation.refetch()} />
        )}
        {!exchanges.length && !loading && !conversation.isError && (
          <Suggestions title={title} summary={summary} disabled={!hasTranscript} onAsk={wiz.ask} />
        )}
        <ol className="grid grid-cols-1 gap-6">
          {exchanges.map((exchange) => (
            <ExchangeView
              key={exchange.key}
              exchange={exchange}
              onSeek={onSeek}
              onNote={onNote}
              onAgain={wiz.isAnswering || wiz.isAsking ? undefined : wiz.ask}
            />
          ))}
        </ol>
      </div>
      <AskForm wiz={wiz} />
    </div>
  );
}

function LoadingTalk() {
  return (
    <Loading label="The conversation is loading">
      <div className="grid gap-3">
        <Skeleton className="ml-auto h-10 w-3/5" />
        <Skeleton className="h-24 w-11/12" />
      </div>
    </Loading>
  );
}
