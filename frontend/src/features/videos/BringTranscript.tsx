/** A transcript that the person has: pasted, or a file. It is shown before it is kept. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { TextArea } from "@/components/Field";
import { WaysIn } from "@/components/WaysIn";
import { send } from "@/lib/api/client";
import { messageOf } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";
import type { AddedTranscript } from "@/lib/api/types";
import { useSession } from "@/lib/auth/useSession";
import { useDraft } from "@/lib/drafts";
import { toast } from "@/lib/toasts";
import { PreviewOf } from "./PreviewOf";

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
  const preview = usePreview(videoId);
  const keep = useKeep(videoId, () => {
    setText("");
    onDone();
  });
  if (preview.data) {
    const { content, read } = preview.data;
    return (
      <div className="grid gap-4">
        <PreviewOf read={read} />
        {keep.error && <p className="text-danger">{messageOf(keep.error)}</p>}
        <div className="flex flex-wrap justify-end gap-2">
          <Button disabled={keep.isPending} onClick={() => preview.reset()}>
            Back
          </Button>
          <Button look="primary" busy={keep.isPending} onClick={() => keep.mutate(content)}>
            Keep this transcript
          </Button>
        </div>
      </div>
    );
  }
  return (
    <form
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        setEmpty(!text.trim());
        if (text.trim()) preview.mutate(new Blob([text]));
      }}
    >
      <p className="text-soft">Only you will read it, search it, and ask Wiz about it.</p>
      <TextArea
        label="Transcript"
        hint="VTT, SRT, JSON, or plain text whose lines begin with a time such as 1:23."
        rows={10}
        value={text}
        onChange={(event) => setText(event.target.value)}
        error={empty ? "Paste a transcript, or choose a file." : problemOf(preview.error)}
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
          if (chosen) preview.mutate(chosen);
          target.value = "";
        }}
      />
      <div className="flex flex-wrap justify-end gap-2">
        <Button icon="upload" disabled={preview.isPending} onClick={() => file.current?.click()}>
          Choose a file
        </Button>
        <Button type="submit" look="primary" busy={preview.isPending}>
          Preview
        </Button>
      </div>
    </form>
  );
}

const PATH = "/api/videos/{video_id}/transcript";

/** What the server reads in it; nothing is kept. */
function usePreview(videoId: string) {
  return useMutation({
    mutationFn: async (content: Blob): Promise<{ content: Blob; read: AddedTranscript }> => {
      const path = { video_id: videoId };
      const read = await send("post", PATH, { path, query: { preview: true }, body: content });
      return { content, read };
    },
  });
}

function useKeep(videoId: string, onDone: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (content: Blob) =>
      send("post", PATH, { path: { video_id: videoId }, body: content }),
    onSuccess: ({ segments, shared }) => {
      toast(
        shared
          ? `Transcript kept: ${segments} lines. Somebody else brought the same words, so everybody reads them now.`
          : `Transcript kept: ${segments} lines. Only you read it.`,
      );
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
        A transcript that you bring is kept for you alone, so bringing one needs an account.
      </p>
      <WaysIn />
    </>
  );
}
