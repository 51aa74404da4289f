/** Another password, and the way out of every session. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { Button } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { Field } from "@/components/Field";
import { send } from "@/lib/api/client";
import { ApiError, messageOf } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";
import { session } from "@/lib/auth/credentials";
import { leave } from "@/lib/auth/leave";
import { toast } from "@/lib/toasts";
import { Section } from "./Section";

export function SecuritySection() {
  return (
    <Section
      title="Password and sessions"
      lead="A new password signs you out everywhere else and revokes the API key."
    >
      <PasswordForm />
      <SignOutEverywhere />
    </Section>
  );
}

function PasswordForm() {
  const [oldPassword, setOld] = useState("");
  const [newPassword, setNew] = useState("");
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: () =>
      send("post", "/api/user/password", {
        body: { old_password: oldPassword, new_password: newPassword },
      }),
    onSuccess: ({ token }) => {
      session.open(token);
      setOld("");
      setNew("");
      toast("Your password is changed.");
      void queries.invalidateQueries({ queryKey: keys.profile });
    },
  });
  const wrong = change.error instanceof ApiError ? change.error.fields : {};
  const other = change.isError && !wrong.new_password ? messageOf(change.error) : null;
  return (
    <form
      noValidate
      className="grid gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      <Field
        label="Current password"
        type="password"
        autoComplete="current-password"
        value={oldPassword}
        onChange={(event) => setOld(event.target.value)}
        error={other}
      />
      <Field
        label="New password"
        type="password"
        autoComplete="new-password"
        hint="At least 7 characters."
        value={newPassword}
        onChange={(event) => setNew(event.target.value)}
        error={wrong.new_password}
      />
      <Button
        type="submit"
        className="justify-self-start"
        busy={change.isPending}
        disabled={!oldPassword || !newPassword}
      >
        Change password
      </Button>
    </form>
  );
}

function SignOutEverywhere() {
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const signOut = useMutation({
    mutationFn: () => send("post", "/api/user/logout"),
    onSuccess: () => {
      leave(queries);
      toast("You are signed out everywhere.");
      void navigate("/");
    },
    onError: (error) => toast(messageOf(error), { tone: "danger" }),
  });
  return (
    <>
      <Button className="justify-self-start" onClick={() => setAsking(true)}>
        Sign out everywhere
      </Button>
      {asking && (
        <ConfirmDialog
          title="Sign out everywhere?"
          action="Sign out"
          busy={signOut.isPending}
          onConfirm={() => signOut.mutate()}
          onClose={() => setAsking(false)}
        >
          Every browser is signed out, this one too, and the API key is revoked.
        </ConfirmDialog>
      )}
    </>
  );
}
