/** A transcript that the person has: pasted, or a file. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { TextArea } from "@/components/Field";
import { WaysIn } from "@/components/WaysIn";
import { send } from "@/lib/api/client";
import { messageOf } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";
import { useSession } from "@/lib/auth/useSession";
import { useDraft } from "@/lib/drafts";
import { toast } from "@/lib/toasts";

export function BringTranscript({ videoId, onClose }: { videoId: string; onClose: () => void }) {
  const signedIn = useSession() !== null;
  return (
    <Dialog title="Bring a transcript" onClose={onClose} wide>
      {signedIn ? <Form videoId={videoId} onDone={onClose} /> : <NeedsAccount />}
    </Dialog>
  );
}

function Form({ videoId, onDone }: { videoId: string; onDone: () => void }) {
  const [text, setText] = useDraft(`transcript:${videoId}`);
  const [empty, setEmpty] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const bring = useBring(videoId, () => {
    setText("");
    onDone();
  });
  const submit = () => {
    setEmpty(!text.trim());
    if (text.trim()) bring.mutate(new Blob([text]));
  };
  return (
    <form
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <TextArea
        label="Transcript"
        hint="VTT, SRT, JSON, or plain text whose lines begin with a time such as 1:23."
        rows={10}
        value={text}
        onChange={(event) => setText(event.target.value)}
        error={empty ? "Paste a transcript, or choose a file." : problemOf(bring.error)}
        className="font-mono text-sm"
      />
      <input
        ref={file}
        type="file"
        accept=".vtt,.srt,.json,.txt,text/*,application/json"
        aria-label="Transcript file"
        className="sr-only"
        tabIndex={-1}
        onChange={({ target }) => {
          const [chosen] = target.files ?? [];
          if (chosen) bring.mutate(chosen);
          target.value = "";
        }}
      />
      <div className="flex flex-wrap justify-end gap-2">
        <Button icon="upload" disabled={bring.isPending} onClick={() => file.current?.click()}>
          Choose a file
        </Button>
        <Button type="submit" look="primary" busy={bring.isPending}>
          Use this transcript
        </Button>
      </div>
    </form>
  );
}

function useBring(videoId: string, onDone: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (content: Blob) =>
      send("post", "/api/videos/{video_id}/transcript", {
        path: { video_id: videoId },
        body: content,
      }),
    onSuccess: ({ segments }) => {
      toast(`Transcript added: ${segments} lines.`);
      onDone();
      return queries.invalidateQueries({ queryKey: keys.about(videoId) });
    },
  });
}

const problemOf = (error: Error | null) => (error ? messageOf(error) : null);

function NeedsAccount() {
  return (
    <>
      <p className="text-soft">
        Everybody who opens this video will read the transcript, so bringing one needs an account.
      </p>
      <WaysIn />
    </>
  );
}
