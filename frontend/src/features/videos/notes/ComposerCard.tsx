/** Where a note is written: a button that shows the second, and the field behind it. */

import { useState } from "react";
import { Button, IconButton } from "@/components/Button";
import { Kbd } from "@/components/Kbd";
import { WaysIn } from "@/components/WaysIn";
import { clock } from "@/lib/time";
import { useMoment } from "../player/usePlayback";
import { stampAt } from "./draft";
import { NoteForm } from "./NoteForm";
import { useNoteSettings } from "./settings";
import { SettingsDialog } from "./SettingsDialog";
import { TimeField } from "./TimeField";
import type { Composer } from "./useComposer";

export function ComposerCard({ composer, hint }: { composer: Composer; hint: string }) {
  const { draft, needsAccount } = composer;
  if (!draft) return <Collapsed onOpen={() => composer.open()} />;
  return (
    <section
      aria-label="New note"
      className="grid scroll-mt-20 gap-2 rounded-lg border border-accent bg-surface p-3"
    >
      <NoteForm
        key={composer.opened}
        label="Note text"
        text={draft.text}
        hint={draft.text.trim() ? undefined : hint}
        action="Save note"
        focus={composer.opened > 0}
        onChange={(text) => composer.change({ ...draft, text })}
        onSave={composer.save}
        onCancel={composer.cancel}
      >
        <TimeField at={draft.at} onChange={(at) => composer.change({ ...draft, at })} />
      </NoteForm>
      {needsAccount && <NeedsAccount />}
    </section>
  );
}

function Collapsed({ onOpen }: { onOpen: () => void }) {
  const [choosing, setChoosing] = useState(false);
  const { lead } = useNoteSettings();
  const stamp = useMoment(({ seconds }) => clock(stampAt(seconds, lead)));
  return (
    <div className="flex items-center gap-1">
      <Button look="primary" icon="note" onClick={onOpen} className="grow sm:grow-0">
        Note at <span className="font-mono tabular-nums">{stamp}</span>
      </Button>
      <span className="ml-2 text-sm text-soft max-lg:hidden">
        or press <Kbd>N</Kbd>
      </span>
      <IconButton
        icon="settings"
        label="How notes are stamped"
        onClick={() => setChoosing(true)}
        className="ml-auto"
      />
      {choosing && <SettingsDialog onClose={() => setChoosing(false)} />}
    </div>
  );
}

function NeedsAccount() {
  return (
    <div role="alert" className="grid gap-2 rounded-md bg-accent-tint p-3 text-sm">
      <p className="text-accent-strong">Notes need an account. What you wrote stays here.</p>
      <WaysIn />
    </div>
  );
}
