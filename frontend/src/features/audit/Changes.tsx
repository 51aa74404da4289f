/** What an event changed, field by field, with the words that came and went. */

import type { EventInItsStream } from "@/lib/api/types";
import { asText, type Change, wordChanges } from "./words";

export function Changes({ changes }: { changes: EventInItsStream["changes"] }) {
  const fields = Object.entries(changes);
  if (!fields.length) return <p className="text-soft">It changed no existing field.</p>;
  return (
    <dl className="grid gap-3">
      {fields.map(([name, { before, after }]) => (
        <div key={name} className="grid gap-1">
          <dt className="text-sm text-soft">{name}</dt>
          <dd className="rounded-md bg-sunken px-3 py-2 break-words whitespace-pre-wrap">
            {typeof before === "string" && typeof after === "string" ? (
              wordChanges(before, after).map((change, index) => <Words key={index} {...change} />)
            ) : (
              <>
                <Words kind="gone" text={asText(before)} /> →{" "}
                <Words kind="new" text={asText(after)} />
              </>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Words({ kind, text }: Change) {
  if (kind === "gone") return <del className="bg-danger-tint text-danger">{text}</del>;
  if (kind === "new") {
    return <ins className="bg-accent-tint text-accent-strong no-underline">{text}</ins>;
  }
  return text;
}
