/** Erases the account, after the person has proved to be who they are. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { Button } from "@/components/Button";
import { Dialog } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { GoogleButton } from "@/components/GoogleButton";
import { send } from "@/lib/api/client";
import { messageOf } from "@/lib/api/errors";
import { leave } from "@/lib/auth/leave";
import { toast } from "@/lib/toasts";
import { Section } from "./Section";

export function DeleteAccount() {
  const [asking, setAsking] = useState(false);
  return (
    <Section
      title="Delete the account"
      lead="Your notes, conversations and personal data are erased permanently, also from the history. Download your data first."
    >
      <Button
        look="danger"
        icon="trash"
        className="justify-self-start"
        onClick={() => setAsking(true)}
      >
        Delete my account
      </Button>
      {asking && <ProofDialog onClose={() => setAsking(false)} />}
    </Section>
  );
}

function useErasure() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (proof: { password: string } | { credential: string }) =>
      send("delete", "/api/user", { body: proof }),
    onSuccess: () => {
      leave(queries);
      toast("Your account is erased.");
      void navigate("/");
    },
  });
}

function ProofDialog({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  const erase = useErasure();
  return (
    <Dialog title="Delete the account permanently?" onClose={onClose}>
      <p className="text-soft">
        This cannot be undone. To prove that it is you, sign in once more.
      </p>
      <form
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          erase.mutate({ password });
        }}
      >
        <Field
          label="Password"
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          error={erase.isError ? messageOf(erase.error) : null}
        />
        <GoogleButton onCredential={(credential) => erase.mutate({ credential })} />
        <div className="flex flex-wrap justify-end gap-2">
          <Button onClick={onClose}>Keep my account</Button>
          <Button type="submit" look="danger" busy={erase.isPending} disabled={!password}>
            Delete permanently
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
