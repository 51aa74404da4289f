/** A value as indented JSON. */

export function Json({ value, label }: { value: unknown; label: string }) {
  return (
    <pre
      role="region"
      aria-label={label}
      // A region that scrolls must be reachable by keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      className="overflow-x-auto font-mono text-xs"
    >
      {JSON.stringify(value, null, 2)}
    </pre>
  );
}
