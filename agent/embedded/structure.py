"""Lifts structure out of a text: passages in quotes, lists, steps in a row, label and value pairs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .words import Lexicon

__all__ = ["Point", "Structure", "is_quantity", "number_in", "read_point", "read_structure"]

MAX_TEXT = 240
_QUOTES = (
    ("“", "”"),
    ("„", "“"),
    ("„", "”"),
    ("”", "”"),
    ("«", "»"),
    ("»", "«"),
    ("‹", "›"),
    ("「", "」"),
    ("『", "』"),
    ('"', '"'),
    ("״", "״"),
    ("＂", "＂"),
)
_SINGLE = re.compile(r"(?<!\w)(?:'(?P<a>[^'\n]{2,200})'|‘(?P<b>[^’\n]{2,200})’|‚(?P<c>[^‘\n]{2,200})‘)(?!\w)")
_BULLET = re.compile(
    r"^[ \t]*(?:[-*•–·▪‣◦]|\(?\d{1,2}[.):、．]|\(?[a-hA-H][.)]|[①-⑨])[ \t]*(?P<text>\S.*)$", re.MULTILINE
)
_INLINE_NUMBERS = re.compile(r"(?:^|[\s,;:])\(?(?P<n>\d{1,2})[.)]\s+(?=\S)")
_ARROWS = re.compile(r"\s*(?:→|⟶|➜|➔|⇒|->|=>|–>|←)\s*")
_CHAIN_END = re.compile(r"[,;，；]\s")
_COLON = re.compile(r"[:：]\s*(?=\S)")
_CURRENCY = "€$£¥₹₽₪₩฿₺"
_NUMBER = (
    rf"[{_CURRENCY}]?\s?[-−]?\d+(?:[.,٫٬' \u00a0\u202f]\d{{3}})*(?:[.,٫]\d+)?"
    rf"\s?(?:[{_CURRENCY}%‰٪]|EUR|USD|CHF|kr|zł|Kč|元|円|원|°C|°F)?"
)
_VALUE_LAST = re.compile(rf"^(?P<label>.*?\S)\s*(?:[:=：–—-]|\s|\.{{2,}}|…)\s*(?P<value>{_NUMBER})$")
_VALUE_FIRST = re.compile(rf"^(?P<value>{_NUMBER})\s*[:：–—-]\s*(?P<label>\S.*)$")
_YEAR_FIRST = re.compile(
    r"^(?P<value>(?:ca?\.\s?)?\d{3,4}(?:\s?[–-]\s?\d{2,4})?(?:\s?(?:BCE?|CE|AD|v\. ?Chr\.|年))?|\d{1,2}[:.h]\d{2})"
    r"\s*[:：–—-]?\s+(?P<label>\S.*)$"
)
_UNIT = (
    r"kg|g|gr|mg|ml|cl|dl|l|litres?|liters?|oz|lbs?|tsp|tbsp|teaspoons?|tablespoons?|cups?|pinch(?:es)?|slices?|cloves?|"
    r"EL|TL|Prisen?|Stück|Tassen?|Zehen?|c\. ?à ?[sc]\.|pincées?|tasses?|cucharad(?:it)?as?|tazas?|cucchiai(?:ni)?|"
    r"г|кг|мл|л|ст\. ?л\.|ч\. ?л\.|グラム|個|本|枚|杯|大さじ|小さじ|克|毫升"
)
_QUANTITY = re.compile(
    rf"^(?P<value>(?:\d+(?:[.,/]\d+)?(?:\s?[½¼¾⅓⅔])?|[½¼¾⅓⅔])\s?(?:{_UNIT}))\.?\s+(?:(?:of|de|di)\s+|d['’])?(?P<label>[^\W\d_].*)$"
)
_COUNT = re.compile(r"^(?P<value>\d{1,2}(?:[.,/]\d+)?|[½¼¾⅓⅔])\s+(?P<label>[^\W\d_]{3}.*)$")
# A full stop, but not that of an abbreviation.
_END = re.compile(r"(?<=[^\d\s].)(?<!\bChr)(?<!\bca)(?<!\bNr)(?<!\bSt)(?<!\bDr)[.!?](?=\s|$)|[。！？\n]")
_DETAIL = re.compile(r"^(?P<label>[^:：–—]{2,60}?)\s*(?:[:：]|\s[–—-])\s*(?P<detail>\S.*)$")


@dataclass(frozen=True)
class Point:
    """One entry that the brief gives: what it says, and a value (price, year, amount) where it has one."""

    label: str
    detail: str = ""
    value: str = ""

    @property
    def text(self) -> str:
        return " ".join(part for part in (self.value, self.label, self.detail) if part)


@dataclass(frozen=True)
class Structure:
    """What stands in a text besides prose. `rest` is the text without it; `chained` marks points joined by arrows."""

    texts: tuple[str, ...]
    points: tuple[Point, ...]
    rest: str
    chained: bool = False


def read_structure(text: str, lexicon: Lexicon) -> Structure:
    """Everything in `text` that is to be set as given: quotes first, then one list. Never raises."""
    texts, rest = _take_quotes(text)
    for take in (_take_lines, _take_arrows, _take_numbered, _take_inline):
        labels, left, chained = take(rest, lexicon)
        if labels:
            points = tuple(point for label in labels if (point := read_point(label)).label)
            counted = [_counted(point) for point in points]
            # A list of ingredients: "6 apples" is one too, by itself or beside "200 g flour".
            if any(is_quantity(point.value) for point in points) or all(point.value for point in counted):
                points = tuple(_counted(point) for point in points)
            return Structure(texts, points[:24], left, chained)
    return Structure(texts, (), rest)


def read_point(text: str) -> Point:
    """`"1789: Storming of the Bastille"`, `"Bruschetta 6 €"`, `"Wash: use soap"` as label, value and detail."""
    text = _trim(text)[:MAX_TEXT]
    if match := _QUANTITY.match(text):
        return Point(_trim(match["label"]), value=" ".join(match["value"].split()))
    for pattern in (_YEAR_FIRST, _VALUE_FIRST, _VALUE_LAST):
        if (match := pattern.match(text)) and re.search(r"[^\W\d_]", match["label"]):
            return Point(_trim(match["label"]), value=" ".join(match["value"].split()))
    if match := _DETAIL.match(text):
        return Point(_trim(match["label"]), detail=_trim(match["detail"]))
    return Point(text)


def is_quantity(value: str) -> bool:
    """Whether a value is an amount with a kitchen unit ("200 g"), which is no figure to compare in a chart."""
    return _QUANTITY.match(f"{value} x") is not None


def _counted(point: Point) -> Point:
    match = None if point.value else _COUNT.match(point.label)
    return Point(_trim(match["label"]), point.detail, match["value"]) if match else point


def number_in(value: str) -> float | None:
    """The number that a cell or value states, with decimal comma or point and grouped thousands; None where none."""
    match = re.search(r"[-−]?\d[\d.,' \u00a0\u202f٫٬]*", value)
    if match is None:
        return None
    digits = re.sub(r"[' \u00a0\u202f٬]", "", match[0]).replace("−", "-").replace("٫", ".").rstrip(".,")
    if "," in digits and "." in digits:
        decimal = max(digits.rfind(","), digits.rfind("."))
        digits = re.sub(r"[.,]", "", digits[:decimal]) + "." + digits[decimal + 1 :]
    elif re.fullmatch(r"-?\d{1,3}(?:,\d{3})+|-?\d{1,3}(?:\.\d{3}){2,}", digits):
        digits = re.sub(r"[.,]", "", digits)
    digits = digits.replace(",", ".")
    try:
        return float(digits)
    except ValueError:
        return None


def _trim(text: str) -> str:
    return " ".join(text.split()).strip(" \t-–—:;,.·•、。，；：")


def _take_quotes(text: str) -> tuple[tuple[str, ...], str]:
    found: list[tuple[int, int, str]] = []
    for opening, closing in _QUOTES:
        pattern = re.compile(
            f"{re.escape(opening)}([^{re.escape(opening + closing)}\\n]{{1,{MAX_TEXT}}}){re.escape(closing)}"
        )
        found += [(match.start(), match.end(), match[1]) for match in pattern.finditer(text)]
    found += [(match.start(), match.end(), match[0][1:-1]) for match in _SINGLE.finditer(text)]
    taken: list[str] = []
    rest, cursor = [], 0
    for start, end, raw in sorted(found, key=lambda item: (item[0], -item[1])):
        quoted = " ".join("".join(char if char.isprintable() else " " for char in raw).split())
        if start < cursor or not quoted:
            continue
        rest.append(text[cursor:start])
        taken.append(quoted)
        cursor = end
    rest.append(text[cursor:])
    return tuple(dict.fromkeys(taken)), " ␟ ".join(rest) if taken else text


def _take_lines(text: str, lexicon: Lexicon) -> tuple[list[str], str, bool]:
    del lexicon
    rows = list(_BULLET.finditer(text))
    if len(rows) < 2:
        return [], text, False
    return [row["text"] for row in rows], _BULLET.sub("", text), False


def _take_arrows(text: str, lexicon: Lexicon) -> tuple[list[str], str, bool]:
    for line in re.split(r"(?<=[.!?。！？])\s|\n", text):
        pieces = _ARROWS.split(line)
        if len(pieces) >= 3:
            lead, _, first = re.sub("：", ":", pieces[0]).rpartition(":")
            labels = [first, *pieces[1:]]
            # The chain ends where the sentence runs on: "… → butterfly, as a diagram for kids".
            ends = [match for match in (_CHAIN_END.search(labels[-1]), _framed_tail(labels[-1], lexicon)) if match]
            if ends:
                stop = min(match.start() for match in ends)
                lead, labels[-1] = f"{lead} {labels[-1][stop:]}", labels[-1][:stop]
            if all(0 < len(label.strip()) <= 80 for label in labels):
                return labels, text.replace(line, lead), True
    return [], text, False


def _framed_tail(label: str, lexicon: Lexicon) -> re.Match[str] | None:
    words = tuple(word for word in (*lexicon.style_before, *lexicon.audience_before) if len(word) > 1)
    pattern = re.compile(f"\\s{lexicon.pattern(words).pattern}\\s", re.IGNORECASE) if words else None
    return pattern.search(label) if pattern else None


def _take_numbered(text: str, lexicon: Lexicon) -> tuple[list[str], str, bool]:
    del lexicon
    marks = list(_INLINE_NUMBERS.finditer(text))
    if len(marks) < 2 or [int(mark["n"]) for mark in marks] != list(range(1, len(marks) + 1)):
        return [], text, False
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    labels = [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    if any(len(label) > MAX_TEXT for label in labels):
        return [], text, False
    return labels, text[: marks[0].start()], False


def _take_inline(text: str, lexicon: Lexicon) -> tuple[list[str], str, bool]:
    """A list after a colon: `…: wash, rinse, dry and fold`."""
    for colon in _COLON.finditer(text):
        tail = text[colon.end() :]
        sentence = _END.split(tail, maxsplit=1)
        labels = _split_series(sentence[0], lexicon)
        counts = [label for label in labels if _is_count(label, lexicon)]  # "…: how to choose a bicycle, 4 images"
        if counts:
            labels = [label for label in labels if label not in counts]
        if len(labels) >= 2 and "␟" not in sentence[0]:  # what follows a quoted text goes with it
            after = tail[len(sentence[0]) :]
            last, cut = _split_audience(labels[-1], lexicon)
            cut += "".join(f", {count}" for count in counts)
            return [*labels[:-1], last], text[: colon.start()] + cut + " " + after, False
    return [], text, False


def _is_count(label: str, lexicon: Lexicon) -> bool:
    return any((match := p.search(label)) and len(match[0]) >= 0.8 * len(label) for p in lexicon.count_patterns)


def _split_series(text: str, lexicon: Lexicon) -> list[str]:
    separator = next(
        (mark for mark in (r"[;；؛]", r"、", r"[,，،](?!\d)", r"\s/\s|\s·\s|\s\|\s") if re.search(mark, text)), None
    )
    if separator is None:
        return []
    pieces = [piece for piece in re.split(separator, text) if piece.strip()]
    if lexicon.also and pieces:
        *head, last = pieces
        conjunction = lexicon.pattern(lexicon.also)
        halves = conjunction.split(last, maxsplit=1)
        if len(halves) == 2 and halves[1].strip():
            pieces = [*head, *(half for half in halves if half.strip())]
    if any(len(piece.strip()) > 90 for piece in pieces) or not pieces:
        return []
    return [piece.strip() for piece in pieces]


def _split_audience(label: str, lexicon: Lexicon) -> tuple[str, str]:
    """A last entry that runs on into the audience ("fold, for a laundry room") gives that part back."""
    words = lexicon.audience_before
    if words and (match := lexicon.pattern(words).match(label)):
        return "", " " + label[match.start() :]
    return label, ""
