/** A key of the keyboard. */

export function Kbd({ children }: { children: string }) {
  return (
    <kbd className="inline-grid min-w-6 place-items-center rounded-sm border border-edge/60 bg-sunken px-1.5 font-mono text-xs text-soft">
      {children}
    </kbd>
  );
}
