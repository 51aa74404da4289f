/** The tree of what followed from a request. */

import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { Card } from "@/components/Card";
import { Notice } from "@/components/States";
import type { AuditEffect, Causation } from "@/lib/api/types";
import { momentOf } from "@/lib/time";
import { Answered } from "./Answered";
import { causationQuery } from "./queries";
import { inShort } from "./words";

export function CorrelationPage() {
  const { id = "" } = useParams();
  return (
    <Answered query={useQuery(causationQuery(id))}>{(found) => <Found {...found} />}</Answered>
  );
}

function Found({ correlation_id, events, next, causes }: Causation) {
  return (
    <Card className="grid gap-4">
      <h2 className="text-xl break-words">
        What followed from <span className="font-mono text-base">{correlation_id}</span>
      </h2>
      {next !== null && <Notice>Only its first {events} events are shown.</Notice>}
      {causes.map(({ cause, effects }) => (
        <section key={cause} className="grid gap-2">
          <h3 className="font-mono text-sm text-soft">{cause ?? "no known cause"}</h3>
          <Effects effects={effects} />
        </section>
      ))}
    </Card>
  );
}

function Effects({ effects }: { effects: AuditEffect[] }) {
  return (
    <ul className="grid gap-1 border-l border-line pl-4">
      {effects.map((effect) => (
        <li key={effect.position} className="grid gap-1">
          <Link
            to={`/admin/events/${effect.position}`}
            className="grid gap-x-3 rounded-md px-2 py-1.5 text-sm hover:bg-sunken sm:grid-cols-[auto_1fr_auto]"
          >
            <span className="font-medium">
              {effect.topic}{" "}
              <span className="font-mono font-normal text-soft">{effect.stream}</span>
            </span>
            <span className="min-w-0 truncate font-mono text-xs leading-6 text-soft">
              {inShort(effect.data)}
            </span>
            <time dateTime={effect.recorded_at} className="text-soft">
              {momentOf(effect.recorded_at)}
            </time>
          </Link>
          {effect.effects.length > 0 && <Effects effects={effect.effects} />}
        </li>
      ))}
    </ul>
  );
}
