"""One fold of words for every script, and the words of what is there already made anew by it.

``search_text`` now takes NFKC, leaves out what is optional in writing (marks of Latin, Greek,
Cyrillic, Arabic, Hebrew and Syriac, zero-width characters, the tatweel), writes letters with
strokes and ligatures as plain ones and every script's digits as 0 to 9. It parts words at every
other sign and between letters and digits, and knows ``C++``, ``C#`` and ``.NET`` as words.
docs/search.md has the rules and where they come from; ``vidwiz.wiz.words`` does the same.
"""

from alembic import op

revision = "0011"
down_revision = "0010"

# Default ignorable characters, tatweel, and marks that are optional in writing.
LEFT_OUT = (
    r"\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    r"\u0610-\u061a\u061c\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4"
    r"\u06e7\u06e8\u06ea-\u06ed\u070f\u0711\u0730-\u074a\u0898-\u089f\u08ca-\u08e1\u08e3-\u08ff"
    r"\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u20d0-\u20ff\u3164\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0\ufff0-\ufffb"
    r"\U000e0000-\U000e0fff"
)
HAMZA = r"\u0653-\u0655"
UNDER_HAMZA = r"\u0627\u0647\u06d5"

LATIN = {
    **dict.fromkeys("ⱥ", "a"), **dict.fromkeys("ƀƃɓ", "b"), **dict.fromkeys("ƈȼ", "c"),
    **dict.fromkeys("đðɖɗƌȡ", "d"), **dict.fromkeys("ɇɛ", "e"), **dict.fromkeys("ƒ", "f"),
    **dict.fromkeys("ɠǥ", "g"), **dict.fromkeys("ħⱨ", "h"), **dict.fromkeys("ıɨ", "i"),
    **dict.fromkeys("ȷɉ", "j"), **dict.fromkeys("ƙⱪ", "k"), **dict.fromkeys("łƚɫⱡȴ", "l"),
    **dict.fromkeys("ɱ", "m"), **dict.fromkeys("ŋɲƞȵ", "n"), **dict.fromkeys("ø", "o"),
    **dict.fromkeys("ƥᵽ", "p"), **dict.fromkeys("ĸ", "q"), **dict.fromkeys("ɍɽ", "r"),
    **dict.fromkeys("ȿ", "s"), **dict.fromkeys("ŧƭʈƫȶⱦ", "t"), **dict.fromkeys("ʉ", "u"),
    **dict.fromkeys("\u028b", "v"), **dict.fromkeys("ⱳ", "w"), **dict.fromkeys("ƴɏ", "y"),
    **dict.fromkeys("ƶȥɀⱬ", "z"), "ς": "\u03c3",
}  # fmt: skip
LIGATURES = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
ARABIC = {
    "\u0671": "\u0627",
    **dict.fromkeys("\u0649\u06cc", "\u064a"),
    "\u06a9": "\u0643",
    **dict.fromkeys("\u0629\u06c1\u06d5", "\u0647"),
}
ZEROS = "٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀០᠐"
DIGITS = {chr(ord(zero) + digit): str(digit) for zero in ZEROS for digit in range(10)}

# Thai to Myanmar, Khmer, kana, Han and Hangul, without their signs and digits; and their marks.
UNSPACED = (
    r"\u0e01-\u0e3e\u0e40-\u0e4e\u0e5c-\u0eff\u1000-\u103f\u1050-\u109d\u1780-\u17d3\u17d7"
    r"\u17dc\u17dd\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
MARKS = (
    r"\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059"
    r"\u105e-\u1060\u1062-\u1064\u1067-\u106d\u1071-\u1074\u1082-\u108d\u108f\u109a-\u109d"
    r"\u17b6-\u17d3\u17dd\u3099\u309a"
)

ASCII = [chr(code) for code in range(1, 128)]
SIGNS = "".join(f"\\u{ord(one):04x}" for one in ASCII if not one.isalnum()) + (
    r"\u0080-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u02b9-\u02bf\u02c2-\u02cf"
    r"\u02d2-\u02df\u02e5-\u02ff\u0375\u037e\u0387\u03f6\u0482\u055a-\u055f\u0589-\u058f\u05be"
    r"\u05c0\u05c3\u05c6\u05f3\u05f4\u0600-\u060f\u061b\u061d-\u061f\u066a-\u066d\u06d4\u06dd\u06de"
    r"\u06e9\u06fd\u06fe\u0700-\u070d\u07f6-\u07f9\u07fe\u07ff\u0964\u0965\u0970\u09f2\u09f3\u09fa\u09fb\u09fd"
    r"\u0a76\u0af0\u0af1\u0b70\u0bf3-\u0bfa\u0c77\u0c7f\u0c84\u0d4f\u0d79\u0df4\u0e3f\u0e4f\u0e5a"
    r"\u0e5b\u0f01-\u0f17\u0f1a-\u0f1f\u0f34\u0f36\u0f38\u0f3a-\u0f3d\u0f85\u0fbe-\u0fc5"
    r"\u0fc7-\u0fda\u104a-\u104f\u109e\u109f\u10fb\u1360-\u1368\u1390-\u1399\u1400\u166d\u166e"
    r"\u1680\u169b\u169c\u16eb-\u16ed\u1735\u1736\u17d4-\u17d6\u17d8-\u17db\u1800-\u180a"
    r"\u1940-\u1945\u19de-\u19ff\u1a1e\u1a1f\u2000-\u200a\u2010-\u2029\u202f-\u205f\u2070\u207a-\u207e"
    r"\u208a-\u208e\u20a0-\u20c0\u2104\u2108\u2114\u2117\u211e-\u2123\u2125\u2127\u2129\u212e"
    r"\u213a\u213b\u2140-\u2144\u214a-\u214d\u214f\u2190-\u245f\u2500-\u2bff\u2e00-\u2e2e"
    r"\u2e30-\u3004\u3008-\u3020\u3030\u3037\u303d-\u3040\u30a0\u30fb\u3190\u3191\u31c0-\u31e3"
    r"\u4dc0-\u4dff\ua490-\ua4c6\ua4fe\ua4ff\ua60d-\ua60f\ua673\ua67e\ua6f2-\ua6f7\ua700-\ua716"
    r"\ua720\ua721\ua789\ua78a\ua828-\ua82b\ua836-\ua839\ua874-\ua877\ua8f8-\ua8fa\ua8fc\ua92e\ua92f"
    r"\ua95f\ua9c1-\ua9cd\ua9de\ua9df\uaa5c-\uaa5f\uaaf0\uaaf1\uabeb\ufd3e-\ufd4f\ufdcf\ufdfd-\ufdff"
    r"\ufe45\ufe46\ufffc\ufffd\U0001f000-\U0001fbca"
)


def characters(table: dict[str, str]) -> str:
    """The left side of a table, for a class or a call of translate."""
    return "".join(table)


def translated(table: dict[str, str]) -> str:
    """A statement that replaces the letters of a table where there are some."""
    new = "".join(table.values())
    return rf"""
        IF folded ~ '[{characters(table)}]' THEN
            folded := translate(folded, '{characters(table)}', '{new}');
        END IF;"""


EXPANDED = "folded"
for _ligature, _plain in LIGATURES.items():
    EXPANDED = f"replace({EXPANDED}, '{_ligature}', '{_plain}')"

# Most texts are ASCII, which have nothing to fold, and many have no digits.
SEARCH_TEXT = rf"""
CREATE OR REPLACE FUNCTION search_text(text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 2000 AS $function$
DECLARE
    folded text := left($1, 100000);
BEGIN
    IF octet_length(folded) = length(folded) THEN
        folded := lower(folded);
    ELSE
        folded := normalize(replace(replace(folded, '™', ' '), '℠', ' '), NFKD);
        folded := lower(regexp_replace(folded, '[{LEFT_OUT}]', '', 'g'));
        IF folded ~ '[{HAMZA}]' THEN
            folded := regexp_replace(folded, '([{UNDER_HAMZA}])[{HAMZA}]+', '\1', 'g');
        END IF;{translated(ARABIC)}{translated(LATIN)}{translated(DIGITS)}
        IF folded ~ '[{characters(LIGATURES)}]' THEN
            folded := {EXPANDED};
        END IF;
        folded := replace(left(normalize(folded, NFC), 100000), '♯', '#');
        folded := regexp_replace(folded, '([{UNSPACED}][{MARKS}]*)', ' \1 ', 'g');
    END IF;
    IF strpos(folded, '+') > 0 OR strpos(folded, '#') > 0 THEN
        folded := regexp_replace(
            folded, '(?<![^{SIGNS}])([a-z])\+\+(?![a-z+])', '\1plusplus ', 'g');
        folded := regexp_replace(
            folded, '(?<![^{SIGNS}])([a-z])\+(?![a-z0-9+])', '\1plus ', 'g');
        folded := regexp_replace(
            folded, '(?<![^{SIGNS}])([a-z])#(?![a-z#])', '\1sharp ', 'g');
    END IF;
    IF strpos(folded, '.net') > 0 THEN
        folded := regexp_replace(folded, '\.net(?![a-z])', ' dotnet ', 'g');
    END IF;
    IF folded ~ '[0-9]' THEN
        IF strpos(folded, ',') > 0 THEN
            folded := regexp_replace(
                folded, '(?<=[0-9]),(?=([0-9]{{2,3}},)*[0-9]{{3}}(?![0-9]))', '', 'g');
        END IF;
        folded := regexp_replace(folded, '([0-9]+)', ' \1 ', 'g');
    END IF;
    RETURN regexp_replace(folded, '[{SIGNS}]', ' ', 'g');
END $function$
"""

INDEXED = {"passages": "text", "videos": "title", "notes": "text"}


def upgrade() -> None:
    op.execute(SEARCH_TEXT)
    # Readers go on; a row that another process writes meanwhile would keep its old words.
    op.execute(f"LOCK TABLE {', '.join(INDEXED)} IN SHARE MODE")
    for table, column in INDEXED.items():
        op.execute(
            f"UPDATE {table} SET {column} = {column}"
            f" WHERE search_vector({column}) IS DISTINCT FROM words"
        )
