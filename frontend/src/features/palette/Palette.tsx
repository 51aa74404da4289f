/** The command palette: type a few letters, choose with the arrows, Enter does it. */

import { type KeyboardEvent, useEffect, useState } from "react";
import { Dialog } from "@/components/Dialog";
import { Icon } from "@/components/Icon";
import { cx } from "@/lib/classes";
import { type Command, useCommands } from "./useCommands";

export function Palette({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const commands = useCommands(typed);
  const chosen = commands[at];
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") run(chosen);
    else if (step) setAt((at + step + commands.length) % Math.max(1, commands.length));
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Command palette" onClose={onClose} bare>
      <input
        role="combobox"
        aria-label="What do you want to do?"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={chosen && `palette-${chosen.id}`}
        placeholder="Go to, open, search…"
        autoComplete="off"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        className="block h-14 w-full border-b border-line bg-transparent px-5 text-lg outline-none"
      />
      <CommandList commands={commands} chosen={chosen} onRun={run} />
    </Dialog>
  );
}

function CommandList({
  commands,
  chosen,
  onRun,
}: {
  commands: Command[];
  chosen: Command | undefined;
  onRun: (command: Command) => void;
}) {
  useEffect(() => {
    if (chosen)
      document.getElementById(`palette-${chosen.id}`)?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <>
      <div id="palette-list" role="listbox" aria-label="Commands" className="p-2">
        {commands.map((command) => (
          // The field above has the focus and takes the keys of the list.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <div
            key={command.id}
            id={`palette-${command.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={command === chosen}
            onClick={() => onRun(command)}
            className={cx(
              "flex min-h-11 cursor-pointer items-center gap-3 rounded-md px-3 hover:bg-sunken",
              command === chosen && "bg-accent-tint hover:bg-accent-tint",
            )}
          >
            <Icon name={command.icon} className="text-soft" />
            <span className="truncate">{command.label}</span>
          </div>
        ))}
      </div>
      <p role="status" className={commands.length ? "sr-only" : "px-5 pb-5 text-soft"}>
        {commands.length ? `${commands.length} commands` : "Nothing matches."}
      </p>
    </>
  );
}
