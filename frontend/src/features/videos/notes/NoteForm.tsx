/** The field for a note's words: Enter saves, Shift+Enter begins a line, Escape leaves. */

import { type KeyboardEvent, type ReactNode, useEffect, useRef } from "react";
import { Button } from "@/components/Button";
import { TextArea } from "@/components/Field";
import { Kbd } from "@/components/Kbd";

export function NoteForm({
  label,
  text,
  hint,
  action,
  focus,
  onChange,
  onSave,
  onCancel,
  children,
}: {
  label: string;
  text: string;
  hint?: ReactNode;
  /** What saving is called. */
  action: string;
  focus: boolean;
  onChange: (text: string) => void;
  onSave: () => void;
  onCancel: () => void;
  children?: ReactNode;
}) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (focus) form.current?.querySelector("textarea")?.focus();
  }, [focus]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    if (event.key === "Enter" && event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") onCancel();
    else form.current?.requestSubmit();
  };
  return (
    <form
      ref={form}
      className="grid gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        onSave();
      }}
    >
      {children}
      <TextArea
        label={label}
        hideLabel
        hint={hint}
        value={text}
        rows={2}
        placeholder="What is worth keeping?"
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
        className="field-sizing-content max-h-48 resize-none"
      />
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" look="primary" size="sm">
          {action}
        </Button>
        <Button size="sm" look="quiet" onClick={onCancel}>
          Cancel
        </Button>
        <span className="ml-auto text-xs text-soft max-lg:hidden">
          <Kbd>Enter</Kbd> saves
        </span>
      </div>
    </form>
  );
}
