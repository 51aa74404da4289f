/** A question and its answer, in whatever state it is. */

import { Button } from "@/components/Button";
import { CopyButton } from "@/components/CopyButton";
import { Spinner } from "@/components/Spinner";
import { unjoined } from "@/lib/markdown";
import { Answer } from "./Answer";
import type { Exchange } from "./exchanges";
import { SaveAsNote } from "./SaveAsNote";

export function ExchangeView({
  exchange,
  onSeek,
  onNote,
  onAgain,
}: {
  exchange: Exchange;
  onSeek: (seconds: number) => void;
  onNote: (seconds: number, text: string) => void;
  /** Asks a question once more; absent while another is answered. */
  onAgain?: (question: string) => void;
}) {
  const { question, content, citations, status } = exchange;
  const working = status === "asking" || status === "answering";
  return (
    <li className="grid grid-cols-1 gap-3">
      <p className="max-w-[90%] justify-self-end rounded-lg bg-accent-tint px-3 py-2 wrap-anywhere whitespace-pre-wrap text-ink">
        <span className="sr-only">You asked: </span>
        {question}
      </p>
      <div aria-busy={working} className="grid grid-cols-1 gap-2">
        <span className="sr-only">Wiz answered: </span>
        {content && <Answer content={content} citations={citations} onSeek={onSeek} />}
        {working ? <Working begun={content !== ""} /> : <Ending exchange={exchange} />}
      </div>
      {!working && (
        <div className="flex flex-wrap gap-2">
          {content && <CopyButton text={unjoined(content)} label="Copy answer" />}
          <SaveAsNote content={content} citations={citations} onNote={onNote} />
          {onAgain && status === "failed" && (
            <Button size="sm" icon="refresh" onClick={() => onAgain(question)}>
              Ask again
            </Button>
          )}
        </div>
      )}
    </li>
  );
}

function Working({ begun }: { begun: boolean }) {
  return (
    <p role="status" className="flex items-center gap-2 text-sm text-soft">
      <Spinner className="text-accent" />
      {begun ? "Wiz is answering" : "Wiz is reading the transcript"}
    </p>
  );
}

function Ending({ exchange: { status, problem } }: { exchange: Exchange }) {
  if (status === "stopped") return <p className="text-sm text-soft">You stopped it here.</p>;
  if (status !== "failed") return null;
  return (
    <p role="alert" className="rounded-md bg-danger-tint px-3 py-2 text-sm text-danger">
      {problem}
    </p>
  );
}
