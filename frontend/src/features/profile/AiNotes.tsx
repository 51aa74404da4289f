/** Whether AI writes the notes that were saved without words. */

import { Switch } from "@/components/Field";
import type { Profile } from "@/lib/api/types";
import { Section } from "./Section";
import { useProfileEdit } from "./useProfileEdit";

export function AiNotes({ profile }: { profile: Profile }) {
  const edit = useProfileEdit("The switch was not saved");
  return (
    <Section title="AI notes">
      <Switch
        label="Let AI write my empty notes"
        hint="A note with only a time gets a line about what was said there. It is marked, and yours to change."
        checked={profile.ai_notes_enabled}
        onChange={(ai_notes_enabled) => edit.mutate({ ai_notes_enabled })}
      />
    </Section>
  );
}
