/** Form fields: a label, the control, a hint and what is wrong, tied together for screen readers. */

import { type ComponentProps, type ReactNode, useId } from "react";
import { cx } from "@/lib/classes";

export const CONTROL =
  "block w-full min-h-11 rounded-md border border-edge bg-surface px-3 py-2 text-base text-ink aria-invalid:border-danger disabled:opacity-60";

interface Frame {
  label: string;
  hint?: ReactNode;
  error?: string | null;
  /** The label is for screen readers only. */
  hideLabel?: boolean;
}

interface Wiring {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: true;
}

function Framed({
  label,
  hint,
  error,
  hideLabel,
  children,
}: Frame & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const described = cx(hint ? `${id}-hint` : null, error ? `${id}-error` : null);
  return (
    <div className="grid gap-1.5">
      <label htmlFor={id} className={hideLabel ? "sr-only" : "text-sm font-medium"}>
        {label}
      </label>
      {children({
        id,
        "aria-describedby": described || undefined,
        "aria-invalid": error ? true : undefined,
      })}
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-soft">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-sm text-danger">
          {error}
        </p>
      )}
    </div>
  );
}

export function Field({
  label,
  hint,
  error,
  hideLabel,
  className,
  ...rest
}: ComponentProps<"input"> & Frame) {
  return (
    <Framed {...{ label, hint, error, hideLabel }}>
      {(wiring) => <input {...rest} {...wiring} className={cx(CONTROL, className)} />}
    </Framed>
  );
}

export function TextArea({
  label,
  hint,
  error,
  hideLabel,
  className,
  ...rest
}: ComponentProps<"textarea"> & Frame) {
  return (
    <Framed {...{ label, hint, error, hideLabel }}>
      {(wiring) => <textarea {...rest} {...wiring} className={cx(CONTROL, className)} />}
    </Framed>
  );
}

export function Select({
  label,
  hint,
  error,
  hideLabel,
  className,
  ...rest
}: ComponentProps<"select"> & Frame) {
  return (
    <Framed {...{ label, hint, error, hideLabel }}>
      {(wiring) => <select {...rest} {...wiring} className={cx(CONTROL, className)} />}
    </Framed>
  );
}

/** An on/off switch that takes effect at once. */
export function Switch({
  label,
  hint,
  checked,
  onChange,
  disabled,
}: {
  label: string;
  hint?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  disabled?: boolean;
}) {
  const id = useId();
  return (
    <div className="flex items-start justify-between gap-4">
      <div>
        <span id={id} className="font-medium">
          {label}
        </span>
        {hint && (
          <p id={`${id}-hint`} className="text-sm text-soft">
            {hint}
          </p>
        )}
      </div>
      <button
        type="button"
        role="switch"
        aria-checked={checked}
        aria-labelledby={id}
        aria-describedby={hint ? `${id}-hint` : undefined}
        disabled={disabled}
        onClick={() => onChange(!checked)}
        className={cx(
          "relative mt-0.5 h-7 w-12 shrink-0 rounded-full border transition-colors disabled:opacity-60",
          checked ? "border-accent bg-accent" : "border-edge bg-sunken",
        )}
      >
        <span
          className={cx(
            "absolute top-0.5 left-0.5 size-5.5 rounded-full transition-transform",
            checked ? "translate-x-5 bg-on-accent" : "bg-edge",
          )}
        />
      </button>
    </div>
  );
}
