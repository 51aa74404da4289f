/** How notes are stamped: how much earlier, and whether the video waits. */

import { Dialog } from "@/components/Dialog";
import { Field, Switch } from "@/components/Field";
import { changeNoteSettings, LONGEST_LEAD, useNoteSettings } from "./settings";

export function SettingsDialog({ onClose }: { onClose: () => void }) {
  const { lead, pause } = useNoteSettings();
  return (
    <Dialog title="How notes are stamped" onClose={onClose}>
      <Field
        label={`Lead time: ${lead} ${lead === 1 ? "second" : "seconds"}`}
        hint="You press the key when you have heard it. The note is stamped this much earlier."
        type="range"
        min={0}
        max={LONGEST_LEAD}
        value={lead}
        onChange={(event) => changeNoteSettings({ lead: Number(event.target.value) })}
        className="accent-accent"
      />
      <Switch
        label="Pause while I write"
        hint="A video that was playing goes on when the note is saved."
        checked={pause}
        onChange={(next) => changeNoteSettings({ pause: next })}
      />
    </Dialog>
  );
}
