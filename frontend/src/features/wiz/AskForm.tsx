/** Where questions are typed: Enter asks, Shift+Enter begins a line. */

import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useRef } from "react";
import { Button } from "@/components/Button";
import { CONTROL } from "@/components/Field";
import { ApiError, messageOf } from "@/lib/api/errors";
import { useSession } from "@/lib/auth/useSession";
import { cx } from "@/lib/classes";
import { GuestLimit } from "./GuestLimit";
import { quotaQuery } from "./queries";
import { quotaLine } from "./quota";
import type { useWiz } from "./useWiz";

const LONGEST_QUESTION = 8000;

export function AskForm({ wiz }: { wiz: ReturnType<typeof useWiz> }) {
  const form = useRef<HTMLFormElement>(null);
  const guest = useSession() === null;
  const quota = useQuery(quotaQuery).data;
  const line = quota && quotaLine(quota, guest);
  const allSpent = quota?.service_limit_reached ?? false;
  const spent = quota?.remaining === 0 || allSpent || isSpent(wiz.problem);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    form.current?.requestSubmit();
  };
  return (
    <form
      ref={form}
      className="grid gap-2 border-t border-line p-3"
      onSubmit={(event) => {
        event.preventDefault();
        const text = wiz.question.trim();
        if (text && !spent && !wiz.isAnswering && !wiz.isAsking) wiz.ask(text);
      }}
    >
      {spent && guest && !allSpent && <GuestLimit />}
      {wiz.problem && !(spent && guest && !allSpent) && (
        <p role="alert" className="text-sm text-danger">
          {messageOf(wiz.problem)}
        </p>
      )}
      <p role="status" className="text-xs text-soft empty:hidden">
        {line}
      </p>
      <div className="flex items-end gap-2">
        <textarea
          aria-label="Your question"
          placeholder="Ask about this video"
          data-question=""
          rows={1}
          maxLength={LONGEST_QUESTION}
          value={wiz.question}
          onChange={(event) => wiz.setQuestion(event.target.value)}
          onKeyDown={onKeyDown}
          className={cx(CONTROL, "field-sizing-content max-h-32 min-w-0 grow resize-none")}
        />
        {wiz.isAnswering ? (
          <Button icon="stop" busy={wiz.isStopping} onClick={() => wiz.stop()}>
            Stop
          </Button>
        ) : (
          <Button
            type="submit"
            look="primary"
            icon="send"
            busy={wiz.isAsking}
            disabled={!wiz.question.trim() || spent}
          >
            Ask
          </Button>
        )}
      </div>
    </form>
  );
}

function isSpent(problem: Error | null): boolean {
  return problem instanceof ApiError && problem.status === 429 && /daily/i.test(problem.message);
}
