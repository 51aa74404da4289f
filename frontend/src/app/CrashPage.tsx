/** A page failed to load or to draw: says so, and offers a way out. */

import { useRouteError } from "react-router";
import { Button, ButtonLink } from "@/components/Button";
import { EmptyState } from "@/components/States";

export function CrashPage() {
  const error = useRouteError();
  return (
    <EmptyState as="h1" icon="alert" title="This page could not be shown">
      <p className="mb-4">
        A new version may have come out, or the connection was lost. Your drafts are kept.
      </p>
      <details className="mb-4 text-sm">
        <summary>Details</summary>
        <code className="break-words">{String(error)}</code>
      </details>
      <div className="flex justify-center gap-2">
        <Button look="primary" icon="refresh" onClick={() => location.reload()}>
          Reload
        </Button>
        <ButtonLink to="/">Go to the home page</ButtonLink>
      </div>
    </EmptyState>
  );
}
