/** Makes a note of an answer, at the second that it cites. */

import { Button } from "@/components/Button";
import { Icon } from "@/components/Icon";
import { Menu } from "@/components/Menu";
import { clock } from "@/lib/time";
import { type Citation, distinct, sentenceAt } from "./citations";

export function SaveAsNote({
  content,
  citations,
  onNote,
}: {
  content: string;
  citations: Citation[];
  onNote: (seconds: number, text: string) => void;
}) {
  const choices = distinct(citations);
  const [first, ...others] = choices;
  const note = (citation: Citation) => onNote(citation.start, sentenceAt(content, citation));
  if (!first) return null;
  if (!others.length) {
    return (
      <Button size="sm" icon="note" onClick={() => note(first)}>
        Note at {clock(first.start)}
      </Button>
    );
  }
  return (
    <Menu
      label="Save as note"
      className="min-h-9 gap-2 border border-edge/60 px-3 text-sm font-medium"
      items={choices.map((citation) => ({
        label: `Note at ${clock(citation.start)}`,
        icon: "note",
        onSelect: () => note(citation),
      }))}
    >
      <Icon name="note" />
      Save as note
    </Menu>
  );
}
