/** A field to paste a YouTube link into, which leads to the video's page. */

import { type SubmitEvent, useId, useState } from "react";
import { messageOf } from "@/lib/api/errors";
import { useOpenVideo } from "@/lib/api/useOpenVideo";
import { cx } from "@/lib/classes";
import { Button } from "./Button";
import { CONTROL } from "./Field";

export function OpenVideo({ action, large = false }: { action: string; large?: boolean }) {
  const [link, setLink] = useState("");
  const open = useOpenVideo();
  const id = useId();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    open.mutate(link);
  };
  return (
    <form onSubmit={submit} noValidate className="grid gap-1.5">
      <label htmlFor={id} className="sr-only">
        Link to a YouTube video
      </label>
      <div className="flex flex-col gap-2 sm:flex-row">
        <input
          id={id}
          type="url"
          inputMode="url"
          autoComplete="off"
          placeholder="Paste a YouTube link"
          value={link}
          onChange={(event) => {
            setLink(event.target.value);
            open.reset();
          }}
          aria-invalid={open.isError || undefined}
          aria-describedby={open.isError ? `${id}-error` : undefined}
          className={cx(CONTROL, large && "min-h-13 text-lg")}
        />
        <Button
          type="submit"
          look="primary"
          busy={open.isPending}
          className={cx(large && "min-h-13 px-6")}
        >
          {action}
        </Button>
      </div>
      <p id={`${id}-error`} role="alert" className="text-sm text-danger empty:hidden">
        {open.isError && messageOf(open.error)}
      </p>
    </form>
  );
}
