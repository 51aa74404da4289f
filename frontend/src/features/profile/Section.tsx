/** A titled part of the profile. */

import { type ReactNode, useId } from "react";
import { Card } from "@/components/Card";

export function Section({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <Card aria-labelledby={id} className="grid grid-cols-1 gap-4">
      <div className="grid gap-1">
        <h2 id={id} className="text-lg">
          {title}
        </h2>
        {lead && <p className="text-sm text-soft">{lead}</p>}
      </div>
      {children}
    </Card>
  );
}
