/** First questions to begin with, out of what is known of the video. Pure. */

const ALWAYS = [
  "What is this video about, in five points?",
  "Which part is worth watching first?",
  "What should I remember from it?",
];
const MOST = 4;
const LONGEST_NAME = 40;

export function suggestions(title: string | null, summary: string | null): string[] {
  const about = namesIn([title, summary].filter(Boolean).join(". "));
  const specific = about.slice(0, 2).map((name) => `What is said about ${name}?`);
  return [...specific, ...ALWAYS].slice(0, MOST);
}

/** Names of two or more words, or of a word and a number, each once, in their order. */
function namesIn(text: string): string[] {
  const found = text.match(
    /\p{Lu}\p{Ll}[\p{L}’']+(?: (?:(?:of|the|de|von) )?(?:\p{Lu}\p{Ll}[\p{L}’']*|\d+))+/gu,
  );
  return [...new Set(found ?? [])].filter(({ length }) => length <= LONGEST_NAME);
}
