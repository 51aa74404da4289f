/** One event: its place, what it changed, its neighbours, and the request that it came from. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useParams } from "react-router";
import { ButtonLink } from "@/components/Button";
import { Card } from "@/components/Card";
import type { AuditEvent, EventInItsStream } from "@/lib/api/types";
import { momentOf } from "@/lib/time";
import { Answered } from "./Answered";
import { Changes } from "./Changes";
import { Json } from "./Json";
import { eventQuery } from "./queries";

export function EventPage() {
  const { position = "" } = useParams();
  return (
    <Answered query={useQuery(eventQuery(position))}>{(found) => <Found {...found} />}</Answered>
  );
}

function Found({ event, previous, next, changes }: EventInItsStream) {
  return (
    <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-[minmax(0,1fr)_24rem]">
      <div className="grid grid-cols-1 gap-4">
        <Card className="grid gap-4">
          <h2 className="text-xl">
            {event.topic} <span className="font-mono text-base text-soft">#{event.position}</span>
          </h2>
          <Changes changes={changes} />
        </Card>
        <Neighbours stream={event.stream} previous={previous} next={next} />
      </div>
      <div className="grid grid-cols-1 gap-4">
        <Facts {...event} />
        <Card>
          <Json value={event.data} label="The event’s data" />
        </Card>
      </div>
    </div>
  );
}

function Neighbours({
  stream,
  previous,
  next,
}: {
  stream: string;
  previous: AuditEvent | null;
  next: AuditEvent | null;
}) {
  return (
    <nav aria-label={`In ${stream}`} className="flex flex-wrap items-center justify-between gap-2">
      {previous ? (
        <ButtonLink size="sm" to={`/admin/events/${previous.position}`}>
          Before: {previous.topic}
        </ButtonLink>
      ) : (
        <span className="text-sm text-soft">The first of its stream</span>
      )}
      {next ? (
        <ButtonLink size="sm" to={`/admin/events/${next.position}`}>
          After: {next.topic}
        </ButtonLink>
      ) : (
        <span className="text-sm text-soft">The newest of its stream</span>
      )}
    </nav>
  );
}

function Facts(event: AuditEvent) {
  const filter = (name: string, value: string) => (
    <Way to={`/admin?${name}=${encodeURIComponent(value)}`}>{value}</Way>
  );
  return (
    <Card>
      <dl className="grid grid-cols-[6rem_minmax(0,1fr)] gap-x-3 gap-y-2 text-sm">
        <Fact name="When">{momentOf(event.recorded_at)}</Fact>
        <Fact name="Who">{filter("actor", event.actor)}</Fact>
        <Fact name="Stream">
          {filter("stream", event.stream)} v{event.version}
        </Fact>
        <Fact name="Request">
          {event.correlation_id && (
            <Way to={`/admin/correlations/${encodeURIComponent(event.correlation_id)}`}>
              {event.correlation_id}
            </Way>
          )}
        </Fact>
        <Fact name="Cause">{event.causation_id && <Cause id={event.causation_id} />}</Fact>
        <Fact name="Hash">
          <Hash>{event.hash}</Hash>
        </Fact>
        <Fact name="Before it">
          <Hash>{event.previous_hash}</Hash>
        </Fact>
      </dl>
    </Card>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-soft">{name}</dt>
      <dd className="break-words">{children ?? "–"}</dd>
    </>
  );
}

function Cause({ id }: { id: string }) {
  const position = /^event:(\d+)$/.exec(id)?.[1];
  return position ? <Way to={`/admin/events/${position}`}>{id}</Way> : id;
}

function Way({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link to={to} className="font-mono break-all text-accent underline underline-offset-4">
      {children}
    </Link>
  );
}

function Hash({ children }: { children: string | null }) {
  return <code className="font-mono text-xs break-all">{children}</code>;
}
