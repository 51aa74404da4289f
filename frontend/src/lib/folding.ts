/**
 * Texts as a search compares them, letter by letter: `docs/search.md` has the rules, and the server
 * folds alike (`vidwiz/wiz/words.py`). Both are tested by `tests/cases/search_words.json`. Pure.
 */

export interface Folded {
  text: string;
  /** Where the origin of each of its UTF-16 units begins and ends in the original. */
  begins: number[];
  ends: number[];
}

/** Default ignorable characters, the tatweel, and marks that are optional in writing. */
// The class has marks because they are what is left out.
/* eslint-disable no-misleading-character-class */
const LEFT_OUT = new RegExp(
  `[${[
    String.raw`\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7`,
    String.raw`\u0610-\u061a\u061c\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4`,
    String.raw`\u06e7\u06e8\u06ea-\u06ed\u070f\u0711\u0730-\u074a\u0898-\u089f\u08ca-\u08e1`,
    String.raw`\u08e3-\u08ff\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff`,
    String.raw`\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u3164\ufe00-\ufe0f`,
    String.raw`\ufe20-\ufe2f\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}`,
  ].join("")}]+`,
  "gu",
);
/* eslint-enable no-misleading-character-class */
const HAMZA = /([\u0627\u0647\u06d5])[\u0653-\u0655]+/g;

const PLAIN: Record<string, string> = {
  a: "ⱥ",
  b: "ƀƃɓ",
  c: "ƈȼ",
  d: "đðɖɗƌȡ",
  e: "ɇɛ",
  f: "ƒ",
  g: "ɠǥ",
  h: "ħⱨ",
  i: "ıɨ",
  j: "ȷɉ",
  k: "ƙⱪ",
  l: "łƚɫⱡȴ",
  m: "ɱ",
  n: "ŋɲƞȵ",
  o: "ø",
  p: "ƥᵽ",
  q: "ĸ",
  r: "ɍɽ",
  s: "ȿ",
  t: "ŧƭʈƫȶⱦ",
  u: "ʉ",
  v: "ʋ",
  w: "ⱳ",
  y: "ƴɏ",
  z: "ƶȥɀⱬ",
  σ: "ς",
  ss: "ß",
  ae: "æ",
  oe: "œ",
  th: "þ",
  "\u0627": "\u0671",
  "\u064a": "\u0649\u06cc",
  "\u0643": "\u06a9",
  "\u0647": "\u0629\u06c1\u06d5",
};
const ZEROS = "٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀០᠐";
const LETTERS = new Map([
  ...Object.entries(PLAIN).flatMap(([plain, ones]) =>
    Array.from(ones, (one): [string, string] => [one, plain]),
  ),
  ...Array.from(ZEROS).flatMap((zero) =>
    Array.from("0123456789", (digit): [string, string] => [
      String.fromCharCode(zero.charCodeAt(0) + Number(digit)),
      digit,
    ]),
  ),
]);

/** ASCII, or a character with what goes with it: marks, and parts of Hangul's syllables. */
const PIECE =
  /[\0-\x7f]+(?![^\0-\x7f])|.[\p{M}\p{Cf}\u0640\u115f-\u11ff\u3131-\u318e\uff9e-\uffdc]*/gsu;

export function folded(text: string): Folded {
  const its: Folded = { text: "", begins: [], ends: [] };
  for (const { 0: piece, index } of text.matchAll(PIECE)) {
    const plain = letters(piece);
    const ascii = plain.length === piece.length && piece.charCodeAt(0) < 0x80;
    for (let unit = 0; unit < plain.length; unit++) {
      its.begins.push(ascii ? index + unit : index);
      its.ends.push(ascii ? index + unit + 1 : index + piece.length);
    }
    its.text += plain;
  }
  return its;
}

function letters(piece: string): string {
  const bare = piece
    .replace(/[™℠]/g, " ")
    .normalize("NFKD")
    .replace(LEFT_OUT, "")
    .toLowerCase()
    .replace(HAMZA, "$1");
  const plain = Array.from(bare, (letter) => LETTERS.get(letter) ?? letter).join("");
  return plain.normalize("NFC").replaceAll("♯", "#");
}
