/** One note: its second, its words, and what can be done with it. */

import { useState } from "react";
import { IconButton } from "@/components/Button";
import { Icon } from "@/components/Icon";
import { cx } from "@/lib/classes";
import { useEdit } from "./draft";
import { NoteForm } from "./NoteForm";
import { NoteHistory } from "./NoteHistory";
import type { ShownNote } from "./notes";

export interface NoteActions {
  onJump: (seconds: number) => void;
  onEdit: (note: ShownNote, text: string) => void;
  onDelete: (note: ShownNote) => void;
  onRevert: (id: number, version: number) => void;
}

interface Props {
  note: ShownNote;
  near: boolean;
  /** What an empty note waits for. */
  emptyText: string;
  actions: NoteActions;
}

export function NoteItem({ note, near, emptyText, actions }: Props) {
  const [edit, setEdit] = useEdit(note.id);
  return (
    <li
      aria-current={near || undefined}
      className={cx(
        "group grid grid-cols-1 gap-1 rounded-md border px-3 py-2 transition-colors",
        near ? "border-accent bg-accent-tint" : "border-line bg-surface",
      )}
    >
      <div className="flex min-h-9 items-center gap-2">
        <Time note={note} onJump={actions.onJump} />
        {note.byAi && <AiBadge />}
        {note.waiting ? (
          <span className="ml-auto text-xs text-soft">Saving…</span>
        ) : (
          <Tools note={note} actions={actions} onEdit={() => setEdit(note.text)} />
        )}
      </div>
      {edit === null ? (
        <Words note={note} emptyText={emptyText} />
      ) : (
        <NoteForm
          label={`Note text at ${note.timestamp}`}
          text={edit}
          action="Save"
          focus
          onChange={setEdit}
          onCancel={() => setEdit(null)}
          onSave={() => {
            actions.onEdit(note, edit.trim());
            setEdit(null);
          }}
        />
      )}
    </li>
  );
}

function Time({ note, onJump }: { note: ShownNote; onJump: (seconds: number) => void }) {
  const { seconds, timestamp } = note;
  if (seconds === null) return <span className="font-mono text-sm">{timestamp}</span>;
  return (
    <button
      type="button"
      onClick={() => onJump(seconds)}
      aria-label={`Play from ${timestamp}`}
      className="-ml-1.5 min-h-9 rounded-sm px-1.5 font-mono text-sm font-medium text-accent-strong hover:underline"
    >
      {timestamp}
    </button>
  );
}

function AiBadge() {
  return (
    <span className="inline-flex items-center gap-1 rounded-sm bg-accent-tint px-1.5 text-xs text-accent-strong">
      <Icon name="wand" />
      AI
    </span>
  );
}

function Words({ note, emptyText }: { note: ShownNote; emptyText: string }) {
  if (!note.text) return <p className="pb-1 text-sm text-soft italic">{emptyText}</p>;
  return <p className="pb-1 wrap-anywhere whitespace-pre-wrap">{note.text}</p>;
}

function Tools({
  note,
  actions,
  onEdit,
}: {
  note: ShownNote;
  actions: NoteActions;
  onEdit: () => void;
}) {
  const [history, setHistory] = useState(false);
  const { id, timestamp } = note;
  if (id === null) return null;
  return (
    <div className="-mr-2 ml-auto flex opacity-70 group-focus-within:opacity-100 group-hover:opacity-100">
      <IconButton icon="pencil" label={`Edit the note at ${timestamp}`} onClick={onEdit} />
      <IconButton
        icon="history"
        label={`History of the note at ${timestamp}`}
        onClick={() => setHistory(true)}
      />
      <IconButton
        icon="trash"
        label={`Delete the note at ${timestamp}`}
        onClick={() => actions.onDelete(note)}
      />
      {history && (
        <NoteHistory
          noteId={id}
          timestamp={timestamp}
          onRevert={(version) => actions.onRevert(id, version)}
          onClose={() => setHistory(false)}
        />
      )}
    </div>
  );
}
