/** The name, and what else there is to know about the account. */

import { useState } from "react";
import { Button } from "@/components/Button";
import { Field } from "@/components/Field";
import { ApiError } from "@/lib/api/errors";
import type { Profile } from "@/lib/api/types";
import { useDraft } from "@/lib/drafts";
import { dateOf } from "@/lib/time";
import { toast } from "@/lib/toasts";
import { Section } from "./Section";
import { useProfileEdit } from "./useProfileEdit";

export function NameForm({ profile }: { profile: Profile }) {
  const [draft, setDraft] = useDraft("profile.name");
  const edit = useProfileEdit("Your name was not saved");
  const [name, setName] = useState(draft || profile.name);
  const error = edit.error instanceof ApiError ? edit.error.fields.name : null;
  const change = (next: string) => {
    setName(next);
    setDraft(next === profile.name ? "" : next);
  };
  const save = () => {
    const saved = () => {
      setDraft("");
      toast("Saved.");
    };
    edit.mutate({ name }, { onSuccess: saved });
  };
  return (
    <Section
      title="Account"
      lead={
        <>
          {profile.email}, since {dateOf(profile.created_at)}
        </>
      }
    >
      <form
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <Field
          label="Name"
          autoComplete="name"
          value={name}
          onChange={(event) => change(event.target.value)}
          error={error}
        />
        <Button
          type="submit"
          look="primary"
          className="justify-self-start"
          busy={edit.isPending}
          disabled={name === profile.name}
        >
          Save
        </Button>
      </form>
    </Section>
  );
}
