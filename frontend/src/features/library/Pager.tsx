/** The way to the other pages of a list. */

import { ButtonLink } from "@/components/Button";

export function Pager({ page, pages }: { page: number; pages: number }) {
  if (pages < 2) return null;
  return (
    <nav aria-label="Pages" className="flex items-center justify-center gap-4">
      <Step to={page - 1} of={pages}>
        Newer
      </Step>
      <span className="text-sm text-soft">
        Page {page} of {pages}
      </span>
      <Step to={page + 1} of={pages}>
        Older
      </Step>
    </nav>
  );
}

/** Keeps its place when there is no such page, so that nothing jumps. */
function Step({ to, of, children }: { to: number; of: number; children: string }) {
  const hidden = to < 1 || to > of;
  return (
    <ButtonLink
      to={to === 1 ? "?" : `?page=${to}`}
      size="sm"
      aria-hidden={hidden}
      tabIndex={hidden ? -1 : undefined}
      className={hidden ? "invisible" : ""}
    >
      {children}
    </ButtonLink>
  );
}
