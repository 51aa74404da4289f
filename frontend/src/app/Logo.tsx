/** The mark: a play triangle that is also a bookmark's fold. */

export function Logo() {
  return (
    <span className="flex items-center gap-2 text-lg font-semibold tracking-tight">
      <svg viewBox="0 0 32 32" className="size-7" aria-hidden="true">
        <rect width="32" height="32" rx="8" className="fill-accent" />
        <path d="M10 7h12v18l-6-4.5L10 25z" className="fill-on-accent" />
        <path d="M14 10.5v7l5.5-3.5z" className="fill-accent" />
      </svg>
      VidWiz
    </span>
  );
}
