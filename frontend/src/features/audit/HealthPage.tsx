/** The state of the log, of the background jobs that read it, and of a rebuild. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { Card } from "@/components/Card";
import type { LogHealth } from "@/lib/api/types";
import { momentOf } from "@/lib/time";
import { Answered } from "./Answered";
import { healthQuery } from "./queries";
import { RebuildCard } from "./RebuildCard";

export function HealthPage() {
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2">
      <Answered query={useQuery(healthQuery)}>{(health) => <Health {...health} />}</Answered>
      <RebuildCard />
    </div>
  );
}

function Health({ head, signals, reactions }: LogHealth) {
  return (
    <Card className="grid gap-4">
      <h2 className="text-lg">The log</h2>
      {head ? <Head {...head} /> : <p className="text-soft">Nothing has happened yet.</p>}
      <h2 className="text-lg">Background jobs that read it</h2>
      <ul className="divide-y divide-line">
        <Follower name="signals" {...signals} />
        {reactions.map(({ reaction, checkpoint, ...rest }) => (
          <Follower key={reaction} name={reaction} position={checkpoint} {...rest} />
        ))}
      </ul>
    </Card>
  );
}

function Head({ position, hash, recorded_at }: NonNullable<LogHealth["head"]>) {
  return (
    <div className="grid gap-1 text-sm">
      <p>
        <Event position={position}>Event {position}</Event> is the newest, of{" "}
        {momentOf(recorded_at)}.
      </p>
      <code className="font-mono text-xs break-all text-soft">{hash}</code>
    </div>
  );
}

function Follower({
  name,
  position,
  lag,
  parked = 0,
  oldest,
}: {
  name: string;
  position: number;
  lag: number;
  parked?: number;
  oldest?: LogHealth["reactions"][number]["oldest"];
}) {
  return (
    <li className="grid gap-1 py-2 text-sm">
      <div className="flex justify-between gap-4">
        <span className="font-medium">{name}</span>
        <span className={lag || parked ? "text-warn" : "text-soft"}>
          {lag ? `${lag} behind, at ${position}` : `up to date at ${position}`}
          {parked > 0 && `, ${parked} set aside after errors`}
        </span>
      </div>
      {oldest && (
        <p className="text-danger">
          <Event position={oldest.position}>Event {oldest.position}</Event> failed {oldest.attempts}{" "}
          times: {oldest.error}
        </p>
      )}
    </li>
  );
}

function Event({ position, children }: { position: number; children: ReactNode }) {
  return (
    <Link to={`/admin/events/${position}`} className="text-accent underline underline-offset-4">
      {children}
    </Link>
  );
}
