/** Events as a table; a list of cards on a phone. */

import { Link } from "react-router";
import type { AuditEvent } from "@/lib/api/types";
import { momentOf } from "@/lib/time";
import { inShort } from "./words";

export function EventTable({ events }: { events: AuditEvent[] }) {
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-lg border border-line bg-surface">
      {events.map((event) => (
        <Row key={event.position} {...event} />
      ))}
    </ul>
  );
}

function Row({ position, topic, stream, version, actor, recorded_at, data }: AuditEvent) {
  return (
    <li>
      <Link
        to={`/admin/events/${position}`}
        className="grid grid-cols-[1fr_auto] gap-x-4 gap-y-0.5 px-4 py-2.5 text-sm -outline-offset-2 hover:bg-sunken lg:grid-cols-[4rem_11rem_13rem_9rem_1fr_14rem]"
      >
        <span className="font-mono text-soft max-lg:order-2 max-lg:text-right">{position}</span>
        <span className="font-medium max-lg:order-1">{topic}</span>
        <span className="truncate font-mono text-soft max-lg:order-3">
          {stream} <span className="whitespace-nowrap">v{version}</span>
        </span>
        <span className="truncate font-mono text-soft max-lg:order-4 max-lg:max-w-32 max-lg:justify-self-end">
          {actor}
        </span>
        <span className="min-w-0 truncate font-mono text-xs leading-6 text-soft max-lg:order-6 max-lg:col-span-2">
          {inShort(data)}
        </span>
        <time
          dateTime={recorded_at}
          className="text-soft max-lg:order-5 max-lg:col-span-2 lg:text-right"
        >
          {momentOf(recorded_at)}
        </time>
      </Link>
    </li>
  );
}
