/** Chooses among the conversations about this video, or begins one. */

import { Button } from "@/components/Button";
import { CONTROL } from "@/components/Field";
import { cx } from "@/lib/classes";
import type { ListedConversation } from "@/lib/api/types";

export function Conversations({
  list,
  chosen,
  onChoose,
}: {
  list: ListedConversation[];
  chosen: number | null;
  onChoose: (id: number | null) => void;
}) {
  if (!list.length) return null;
  return (
    <div className="flex items-center gap-2 border-b border-line p-2">
      <select
        aria-label="Conversation"
        value={chosen ?? ""}
        onChange={({ target }) => onChoose(Number(target.value) || null)}
        className={cx(CONTROL, "min-h-9 min-w-0 grow truncate py-1 text-sm")}
      >
        {chosen === null && <option value="">New conversation</option>}
        {list.map(({ conversation_id, first_question }) => (
          <option key={conversation_id} value={conversation_id}>
            {first_question ?? "Nothing asked yet"}
          </option>
        ))}
      </select>
      <Button size="sm" icon="plus" disabled={chosen === null} onClick={() => onChoose(null)}>
        New
      </Button>
    </div>
  );
}
