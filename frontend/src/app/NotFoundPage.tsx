/** An address that leads nowhere. */

import { ButtonLink } from "@/components/Button";
import { EmptyState } from "@/components/States";
import { useTitle } from "@/lib/title";

export function NotFoundPage() {
  useTitle("Not found");
  return (
    <EmptyState as="h1" icon="video" title="There is nothing at this address">
      <p className="mb-4">The link may be old, or mistyped.</p>
      <ButtonLink to="/" look="primary">
        Go to the home page
      </ButtonLink>
    </EmptyState>
  );
}
