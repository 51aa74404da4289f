/** The API key: make it, copy it into other devices, revoke it. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "@/components/Button";
import { ConfirmDialog } from "@/components/ConfirmDialog";
import { CopyButton } from "@/components/CopyButton";
import { send } from "@/lib/api/client";
import { messageOf } from "@/lib/api/errors";
import { keys } from "@/lib/api/keys";
import type { Profile } from "@/lib/api/types";
import { toast } from "@/lib/toasts";
import { Section } from "./Section";
import { Snippets } from "./Snippets";

export function TokenSection({ profile }: { profile: Profile }) {
  return (
    <Section
      title="API key"
      lead="Lets the browser extension, your phone or a script add notes for you. Anyone who has it can read and change your notes; once revoked it stops working at once."
    >
      {profile.token_exists ? <Existing token={profile.long_term_token} /> : <Missing />}
    </Section>
  );
}

function Missing() {
  const create = useTokenChange(() => send("post", "/api/user/token"), "Your API key is ready.");
  return (
    <Button
      icon="key"
      className="justify-self-start"
      busy={create.isPending}
      onClick={() => create.mutate()}
    >
      Create an API key
    </Button>
  );
}

function Existing({ token }: { token: string | null }) {
  const [asking, setAsking] = useState(false);
  const revoke = useTokenChange(() => send("delete", "/api/user/token"), "The API key is revoked.");
  return (
    <div className="grid grid-cols-1 gap-5">
      <div className="flex flex-wrap items-center gap-2">
        <code className="min-w-0 grow basis-60 truncate rounded-md border border-line bg-sunken px-3 py-2 font-mono text-sm">
          {token ? masked(token) : "Loading…"}
        </code>
        {token && <CopyButton text={token} label="Copy API key" />}
        <Button size="sm" look="danger" onClick={() => setAsking(true)}>
          Revoke
        </Button>
      </div>
      {token && <Snippets token={token} />}
      {asking && (
        <ConfirmDialog
          title="Revoke the API key?"
          action="Revoke"
          busy={revoke.isPending}
          onClose={() => setAsking(false)}
          onConfirm={() => revoke.mutate(undefined, { onSettled: () => setAsking(false) })}
        >
          Every device and script that uses it stops working until it has a new one.
        </ConfirmDialog>
      )}
    </div>
  );
}

function useTokenChange(change: () => Promise<unknown>, done: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => toast(done),
    onError: (error) => toast(messageOf(error), { tone: "danger" }),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.profile }),
  });
}

/** Enough to recognise it by; the whole is in the clipboard only. */
function masked(token: string): string {
  return `${token.slice(0, 12)}…${token.slice(-4)}`;
}
