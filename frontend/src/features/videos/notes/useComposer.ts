/** Writing a note: opening it stamps the second and lets the video wait, closing it plays on. */

import { useRef, useState } from "react";
import { useSession } from "@/lib/auth/useSession";
import { clock } from "@/lib/time";
import { toast } from "@/lib/toasts";
import { uuid } from "@/lib/uuid";
import { usePlayback } from "../player/usePlayback";
import { extended, keepDraft, type NoteDraft, stampAt, useNoteDraft } from "./draft";
import { useNoteSettings } from "./settings";
import { useNoteChange } from "./useNotes";

export interface Composer {
  /** Null while no note is being written. */
  draft: NoteDraft | null;
  /** A guest wanted to save. */
  needsAccount: boolean;
  /** Grows with every opening, so that the field takes the focus again. */
  opened: number;
  /** Begins a note at the second that is shown, or at ``at`` with these words. */
  open: (at?: number, text?: string) => void;
  change: (draft: NoteDraft) => void;
  save: () => void;
  cancel: () => void;
}

export function useComposer(videoId: string): Composer {
  const [draft, setDraft] = useNoteDraft(videoId);
  const [needsAccount, setNeedsAccount] = useState(false);
  const [opened, setOpened] = useState(0);
  const wait = useWaiting();
  const signedIn = useSession() !== null;
  const send = useNoteChange(videoId);
  const stamp = useStamp();

  const close = () => {
    setDraft(null);
    setNeedsAccount(false);
    wait.end();
  };
  return {
    draft,
    needsAccount: needsAccount && !signedIn,
    opened,
    open: (at = stamp(), text = "") => {
      setDraft(extended(draft, { at, text }));
      setOpened(opened + 1);
      wait.begin();
    },
    change: setDraft,
    save: () => {
      if (!draft) return;
      if (!signedIn) {
        setNeedsAccount(true);
        return;
      }
      const text = draft.text.trim() || null;
      send({ kind: "add", key: uuid(), timestamp: clock(draft.at), text });
      close();
    },
    cancel: () => {
      if (draft?.text.trim()) offerBack(videoId, draft);
      close();
    },
  };
}

function useStamp(): () => number {
  const playback = usePlayback();
  const { lead } = useNoteSettings();
  return () => stampAt(playback.now(), lead);
}

/** Pauses the video if it plays and the person wants that, and plays on if it was so. */
function useWaiting() {
  const playback = usePlayback();
  const { pause } = useNoteSettings();
  const paused = useRef(false);
  return {
    begin: () => {
      if (!pause || !playback.read().playing) return;
      paused.current = true;
      playback.pause();
    },
    end: () => {
      if (paused.current) playback.play();
      paused.current = false;
    },
  };
}

function offerBack(videoId: string, draft: NoteDraft): void {
  const run = () => keepDraft(videoId, draft);
  toast("Note discarded.", { action: { label: "Undo", run } });
}
