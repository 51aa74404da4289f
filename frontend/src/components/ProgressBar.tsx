/** How far something is. */

export function ProgressBar({
  label,
  value,
  of,
}: {
  label: string;
  /** Null as long as nobody knows. */
  value: number | null;
  of: number | null;
}) {
  const percent = value !== null && of ? Math.min(100, (100 * value) / of) : null;
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent === null ? undefined : Math.round(percent)}
      aria-valuemin={0}
      aria-valuemax={100}
      className="h-2 overflow-hidden rounded-full bg-line"
    >
      <div
        className={percent === null ? "h-full animate-breathe bg-accent" : "h-full bg-accent"}
        style={{ width: `${percent ?? 100}%` }}
      />
    </div>
  );
}
