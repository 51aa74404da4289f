/** Captions that the person has: pasted, or a file. A preview is shown before they are saved. */

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

export function UploadCaptions({ videoId, onClose }: { videoId: string; onClose: () => void }) {
  const signedIn = useSession() !== null;
  return (
    <Dialog title="Upload captions" onClose={onClose} wide>
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
            Save these captions
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
      <p className="text-soft">Only you will see them, search them and get answers from them.</p>
      <TextArea
        label="Transcript"
        hint="VTT, SRT, SBV, TTML, JSON and others, or plain text whose lines begin with a time such as 1:23."
        rows={10}
        value={text}
        onChange={(event) => setText(event.target.value)}
        error={empty ? "Paste captions or choose a file." : problemOf(preview.error)}
        className="font-mono text-sm"
      />
      <input
        ref={file}
        type="file"
        accept=".vtt,.srt,.sbv,.json,.json3,.xml,.ttml,.dfxp,.ass,.ssa,.lrc,.txt,text/*,application/json"
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
          ? `Captions saved: ${segments} lines. Another user uploaded the same ones, so everyone sees them now.`
          : `Captions saved: ${segments} lines. Only you see them.`,
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
        Captions that you upload are only for you, so you need an account.
      </p>
      <WaysIn />
    </>
  );
}
