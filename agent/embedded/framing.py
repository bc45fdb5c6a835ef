"""Tells the subject of a request from its framing: "a four-part visual guide to X, for a school hallway"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .look import Look
from .words import WORD, Lexicon, alternation

__all__ = ["Framed", "clean", "unframe"]

_SEPARATOR = "␟"  # stands where a quoted text was taken out
_CLAUSE = re.compile(r"\s*(?:[,，、،;；]|\s[–—-]\s|␟)\s*(?!\d{3}\b)")
_EDGE = " \t\n.,:;!?–—-…·•、。，；：！？␟()[]{}<>|/\\*_#=+~\"'«»“”„‘’「」『』،؛؟।॥"
_MAX_SUBJECT = 160


@dataclass(frozen=True)
class Framed:
    """One sentence of a brief. `aside` marks a remark on look or making, which is never set; `topic` is what a kind in
    a clause of its own is about ("two friends on a bench, a poster of hope"): the heading of what `subject` depicts."""

    kind: str = ""
    subject: str = ""
    topic: str = ""
    modifiers: str = ""
    audience: str = ""
    details: tuple[str, ...] = ()
    plural: bool = False
    series: bool = False
    aside: bool = False


def unframe(sentence: str, words: Lexicon, look: Look) -> Framed:
    """The subject of one sentence, and the framing that was around it."""
    if words.says:  # "that says “…”": announcement and text are one clause of their own
        said = re.compile(
            f"\\s*{alternation(words.says, joined=words.joined, prefix=words.prefix)}\\s*[:：,]?\\s*{_SEPARATOR}", re.I
        )
        sentence = said.sub(f" {_SEPARATOR}", sentence)
    if words.joined or words.head_final:
        return _by_spans(sentence, words, look)
    return _by_prefix(sentence, words, look)


def clean(text: str, words: Lexicon) -> str:
    """`text` without loose punctuation, connectors and particles at its edges; empty where nothing is left."""
    text = " ".join(text.replace(_SEPARATOR, " ").split()).strip(_EDGE)
    if words.trailing:
        tail = re.compile(f"\\s*{alternation(words.trailing, joined=words.joined or words.glued)}$", re.IGNORECASE)
        for _ in range(4):
            shorter = tail.sub("", text).strip(_EDGE)
            if not shorter or shorter == text:
                break
            text = shorter
    return text[:_MAX_SUBJECT].strip() if re.search(r"\w", text) else ""


# --- languages whose framing comes first ---------------------------------------------------------------------------


def _by_prefix(sentence: str, words: Lexicon, look: Look) -> Framed:
    opened, text = _strip_openers(sentence, words)
    head = _strip_kind(text, words)
    framed = Framed()
    if head is not None:
        framed, text = head
    text, audience = _lead_audience(text, words, bool(framed.kind))
    if audience:
        text = _strip_about(text, words)
    first, *rest = [part for part in _CLAUSE.split(text) if part.strip(_EDGE)] or [""]
    first = _strip_style(first, words, look)
    if framed.kind and _is_aside(first.strip(_EDGE), words, look, wholly=True):
        first = ""
    first, occasion = _split_occasion(first, words)
    rest = [*occasion, *rest]
    first, tail_audience = _tail_audience(first, words, sole=not rest)
    first = _strip_style(first, words, look)
    framed, audience, details, asides = _take_clauses(rest, framed, audience, words, look)
    subject = clean(_strip_says(first, words), words)
    if not subject and details and framed.kind != "":
        subject, details = details[0], details[1:]
    trailing = _trailing_kind(subject, words) if not framed.kind else None
    if trailing is not None:
        framed = replace(framed, kind=trailing[0])
        subject = clean(trailing[1], words)
    if (
        sentence.rstrip().endswith(("?", "？"))
        and subject
        and subject.casefold() in sentence.casefold()
        and not details
    ):
        subject = subject if _is_polite(sentence, words) else subject + "?"
    aside = not framed.kind and (_is_aside(sentence, words, look) or (opened == "" and asides > 0 and not subject))
    return replace(
        framed,
        subject=subject,
        audience=clean(audience or tail_audience, words),
        details=tuple(detail for detail in details if detail),
        aside=aside,
    )


def _take_clauses(
    clauses: list[str], framed: Framed, audience: str, words: Lexicon, look: Look
) -> tuple[Framed, str, list[str], int]:
    """What the later clauses add: audience, kind and topic, details; and how many are remarks on the look."""
    details: list[str] = []
    asides = 0
    for clause in clauses:
        bare, aimed = _tail_audience(clause.strip(_EDGE), words, sole=False)
        audience = audience or aimed
        label, value = _classify(bare, words, look)
        if label == "audience":
            audience = audience or value
        elif label == "kind":
            framed = framed if framed.kind else replace(framed, kind=value)
        elif label == "headed":
            headed = _strip_kind(value, words) or (Framed(), "")
            if not framed.kind:
                framed = replace(framed, kind=headed[0].kind, topic=clean(headed[1], words))
        elif label == "aside":
            asides += 1
        else:
            details.append(clean(value, words))
    return framed, audience, details, asides


def _is_polite(sentence: str, words: Lexicon) -> bool:
    """ "Can you draw …?" asks for a drawing, not for an answer."""
    return bool(words.openers) and words.pattern(words.openers).match(sentence.lstrip(_EDGE)) is not None


def _strip_openers(text: str, words: Lexicon) -> tuple[str, str]:
    text, opened = text.lstrip(_EDGE + "-–"), ""
    if not words.openers:
        return opened, text
    pattern = re.compile(f"{alternation(words.openers, prefix=words.prefix)}[\\s,:!.…]*", re.IGNORECASE)
    for _ in range(5):
        match = pattern.match(text)
        if match is None or not text[match.end() :].strip(_EDGE):
            break
        opened, text = match[0], text[match.end() :]
    return opened, text


def _strip_kind(text: str, words: Lexicon) -> tuple[Framed, str] | None:
    """Consume `[article number adjective …] KIND [connector]`; None where `text` does not begin so.

    Up to three unknown words may stand before the kind ("a travel poster"); they are kept as modifiers.
    """
    position = 0
    unknown: list[str] = []
    plain = re.compile(
        f"\\s*(?:{alternation(words.articles)}|{alternation(words.adjectives)}|{words.number}(?:[.-]?{WORD}+)*|[-–&])\\s*",
        re.IGNORECASE,
    )
    kinds = {name: words.pattern(group) for name, group in words.kinds.items()}
    unit = words.pattern(words.images) if words.images else None
    counted = words.count_patterns
    while position < len(text):
        rest = text[position:].lstrip()
        position = len(text) - len(rest)
        hits = [(match.end(), name) for name, pattern in kinds.items() if (match := pattern.match(rest))]
        if hits or (unit is not None and unit.match(rest)):
            end, kind = max(hits) if hits else (unit.match(rest).end(), "scene")  # type: ignore[union-attr]
            return _after_kind(text, position, position + end, kind, unknown, words)
        if found := next((match for pattern in counted if (match := pattern.match(rest))), None):
            inner = list(unit.finditer(found[0]))[-1:] if unit is not None else []
            # "three travel posters" leads to its noun; "four-part" is an adjective as a whole.
            if inner and found[0][: inner[0].start()].endswith((" ", "\u00a0")):
                position += inner[0].start()
                unknown += _unknown_in(found[0][: inner[0].start()], words)
            else:
                position += found.end()
        elif not unknown and (match := plain.match(rest)) and match.end():
            position += match.end()
        else:
            if unknown and words.about and words.pattern(words.about).match(rest):
                return None  # "history of …": the noun is the subject, not a modifier of some kind further on
            word = re.match(f"\\s*({WORD}+(?:['-]{WORD}+)*)\\s*", rest)
            if word is None or len(unknown) >= 3 or word[1].casefold() in words.stopwords:
                return None
            unknown.append(word[1])
            position += word.end()
    return None


def _unknown_in(text: str, words: Lexicon) -> list[str]:
    known = re.compile(f"{words.number}|{alternation(words.adjectives)}|{alternation(words.articles)}", re.IGNORECASE)
    return re.findall(f"{WORD}{{2,}}", known.sub(" ", text))[:3]


def _after_kind(
    text: str, start: int, end: int, kind: str, unknown: list[str], words: Lexicon
) -> tuple[Framed, str] | None:
    """Accept a kind only where it heads a phrase: "a card for …", not "a card player in a bar"."""
    taken, rest = text[start:end], text[end:]
    again = re.match(r"[\s-]+", rest)
    if again:  # "a guide poster", "poster design", "infographic poster"
        for name, group in words.kinds.items():
            if (more := words.pattern(group).match(rest, again.end())) and name != "scene":
                kind, rest, taken = (kind if kind != "scene" else name), rest[more.end() :], text[start:end] + more[0]
                break
    follows = (*words.about, *words.audience_before, *words.says, *words.style_before)
    bare = rest.strip(_EDGE) == ""
    connected = (
        bare or re.match(r"\s*[,:;.!?␟–—(\d-]", rest) or (follows and words.pattern(follows).match(rest.lstrip()))
    )
    counted = any(pattern.search(text[:end]) for pattern in words.count_patterns)
    if not connected and (start > 0 or kind == "scene") and not counted:
        return None
    plural = bool(words.images) and taken.strip().casefold().endswith(("s", "en", "i", "e", "ы", "и", "ς", "x"))
    framed = Framed(
        kind=kind,
        modifiers=" ".join(unknown) or (taken.strip() if kind == "card" and len(taken.strip()) > 5 else ""),
        plural=plural and taken.strip().casefold() in {form.casefold() for form in words.images},
        series=bool(words.series) and words.find(words.series, text[:end]) is not None,
    )
    rest = _strip_lead_count(rest, words)
    audience_next = words.audience_before and words.pattern(words.audience_before).match(rest.lstrip())
    return framed, rest if audience_next else _strip_about(rest, words)


def _split_occasion(text: str, words: Lexicon) -> tuple[str, list[str]]:
    """ "bake sale on 12 July at 6 pm": what it is, and when and where it is."""
    if not words.when:
        return text, []
    match = re.search(f"\\s{alternation(words.when)}\\s+(?=[^,]{{0,24}}\\d)", text, re.IGNORECASE)
    if match is None or not text[: match.start()].strip(_EDGE):
        return text, []
    return text[: match.start()], [re.sub(f"^\\s*{alternation(words.when)}\\s+", "", text[match.start() :], flags=re.I)]


def _strip_lead_count(text: str, words: Lexicon) -> str:
    """ "[a guide] in four parts about …": the count right after the kind."""
    links = tuple(dict.fromkeys((*words.style_before, *words.about, *words.trailing)))
    lead = re.compile(f"\\s*(?:{alternation(links)}\\s+)?" if links else r"\s*", re.IGNORECASE)
    start = lead.match(text)
    for pattern in words.count_patterns:
        for position in dict.fromkeys((start.end() if start else 0, len(text) - len(text.lstrip()))):
            if found := pattern.match(text, position):
                return text[found.end() :]
    return text


def _strip_about(text: str, words: Lexicon) -> str:
    if not words.about:
        return text
    text = text.lstrip(_EDGE)
    match = re.match(f"{alternation(words.about)}\\s*,?\\s*", text, re.IGNORECASE)
    return text[match.end() :] if match and text[match.end() :].strip(_EDGE) else text


def _lead_audience(text: str, words: Lexicon, framed: bool) -> tuple[str, str]:
    """ "[a poster] for kids about teeth": the audience first. "for our bake sale" is a subject instead."""
    if not words.audience_before:
        return text, ""
    text = text.lstrip(_EDGE) if framed else text
    match = re.match(f"{alternation(words.audience_before)}\\s+", text, re.IGNORECASE)
    if match is None:
        return text, ""
    tail = text[match.end() :]
    links = tuple(word for word in words.about if len(word) > 2 or word in words.audience_before)
    stop = re.search(f"[,;:.!?␟]|\\s{alternation(links)}\\s", tail, re.IGNORECASE)
    phrase = tail[: stop.start()] if stop else tail
    if not _names_audience(phrase, words) or not (stop and tail[stop.end() :].strip(_EDGE)):
        if _names_audience(phrase, words) and len(phrase.split()) <= 5:
            return "", phrase
        return tail, ""
    return tail[stop.start() :].lstrip(_EDGE), phrase


def _tail_audience(text: str, words: Lexicon, *, sole: bool) -> tuple[str, str]:
    """The audience at the end of a clause: "how bees make honey for a kindergarten"."""
    del sole
    if words.audience_prefix:  # Arabic and Hebrew write "for" as one letter at the start of the word
        match = re.search(f"\\s{words.audience_prefix}({WORD}{{2,}}(?:\\s+{WORD}+){{0,3}})\\s*$", text)
        if match and text[: match.start()].strip(_EDGE) and _names_audience(match[1], words):
            return text[: match.start()], match[1]
    if not words.audience_before:
        return text, ""
    marks = list(re.finditer(f"\\s{alternation(words.audience_before)}\\s+", text, re.IGNORECASE))
    for mark in reversed(marks):
        phrase = text[mark.end() :]
        if text[: mark.start()].strip(_EDGE) and _names_audience(phrase, words) and len(phrase.split()) <= 8:
            return text[: mark.start()], phrase
    return text, ""


def _names_audience(phrase: str, words: Lexicon) -> bool:
    """ "for grandma" names one; "for grandma's apple pie" names a pie."""
    hits = (words.find(group, phrase) for group in words.audiences.values())
    return any(hit and not re.match(r"['’]s\s+\w", phrase[hit.end() :]) for hit in hits)


def _strip_says(text: str, words: Lexicon) -> str:
    """Drop the announcement of a quoted text ("that says …"), which stands right before the separator or the end."""
    if not words.says:
        return text
    return re.sub(
        f"\\s*{alternation(words.says, prefix=words.prefix)}\\s*(?:{_SEPARATOR}.*)?$", "", text, flags=re.IGNORECASE
    )


def _strip_style(text: str, words: Lexicon, look: Look) -> str:
    """Drop a look at the end of a clause: "in a flat vector style", "as watercolor"."""
    if words.style_before:
        end = alternation(words.style_after) if words.style_after else "(?!)"
        text = re.sub(
            f"\\s+{alternation(words.style_before)}\\s+(?:{WORD}+[\\s-]+){{0,5}}{end}\\s*$",
            "",
            text,
            flags=re.IGNORECASE,
        )
        for term in look.terms:
            text = re.sub(
                f"\\s+{alternation(words.style_before)}\\s+(?:{WORD}+[\\s-]+){{0,2}}{re.escape(term)}(?:\\s+{WORD}+)?\\s*$",
                "",
                text,
                flags=re.IGNORECASE,
            )
    return _strip_count(text, words)


def _strip_count(text: str, words: Lexicon) -> str:
    """Drop "in four images" at the end of a clause."""
    for pattern in (*words.count_patterns, *words.entry_patterns):
        for match in pattern.finditer(text):
            before = text[: match.start()].rstrip()
            if text[match.end() :].strip(_EDGE) == "" and before:
                shorter = re.sub(
                    f"\\s+{alternation((*words.style_before, *words.trailing))}$", "", before, flags=re.IGNORECASE
                )
                return shorter if shorter.strip(_EDGE) else text
    return text


def _classify(clause: str, words: Lexicon, look: Look) -> tuple[str, str]:
    """What a later clause is: the audience, a kind ("as a poster"), a remark on the look, or a detail."""
    bare = clause.strip(_EDGE)
    if words.audience_before:
        match = re.match(f"{alternation(words.audience_before)}\\s+", bare, re.IGNORECASE)
        if match:
            return "audience", bare[match.end() :]
    if any((found := pattern.search(bare)) and len(found[0]) >= 0.4 * len(bare) for pattern in words.count_patterns):
        kind = next((name for name, group in words.kinds.items() if words.find(group, bare)), "scene")
        return "kind", "" if kind == "scene" else kind
    if _is_aside(bare, words, look):
        return "aside", bare
    if words.style_before:
        start = re.match(f"{alternation(words.style_before)}\\s+", bare, re.IGNORECASE)
        for name, group in words.kinds.items():
            if start and (found := words.find(group, bare)) and found.end() >= len(bare) - 2:
                return "kind", name
    headed = _strip_kind(bare, words)
    if headed is not None and headed[0].kind != "scene":
        return ("headed", bare) if headed[1].strip(_EDGE) else ("kind", headed[0].kind)
    return "detail", bare


def _is_aside(text: str, words: Lexicon, look: Look, *, wholly: bool = False) -> bool:
    """Whether `text` speaks of the look, the format or the making, and of little else."""
    content = [word for word in re.findall(f"{WORD}+", text.casefold()) if word not in words.stopwords]
    if not content:
        return True
    says = words.find(words.says, text) if words.says else None
    if says and len(content) <= 3:
        return True
    if words.style_after and words.find(words.style_after, text) and len(content) <= 7:
        return True
    covered = sum(len(re.findall(f"{WORD}+", term)) for term in look.terms if term.casefold() in text.casefold())
    known = sum(1 for word in content if words.pattern(words.adjectives or ("\0",)).fullmatch(word))
    return (covered + known) * (1 if wholly else 2) >= len(content) and covered + known > 0


def _trailing_kind(subject: str, words: Lexicon) -> tuple[str, str] | None:
    """ "Photosynthesis infographic", "tea vs coffee comparison": the kind at the end."""
    for name, group in words.kinds.items():
        if name == "scene" and " " not in subject:
            continue
        for match in words.pattern(group).finditer(subject):
            if match.end() == len(subject) and match.start() > 0:
                return name, subject[: match.start()]
    return None


# --- languages whose framing follows, or that put no spaces between words --------------------------------------------


def _by_spans(sentence: str, words: Lexicon, look: Look) -> Framed:
    """Cut out every framing phrase; the longest piece that is left is the subject."""
    cut = "▮"
    kind, kind_end = "", -1
    for name, group in words.kinds.items():
        for match in words.pattern(group).finditer(sentence):
            if (name != "scene" or not kind) and (match.end() > kind_end or kind == "scene"):
                kind, kind_end = name, match.end()
    text = sentence
    for pattern in (*words.count_patterns, *words.entry_patterns):
        text = pattern.sub(cut, text)
    for group in (words.openers, words.about, words.says):
        if group:
            text = words.pattern(group).sub(cut, text)
    text, audience = _span_audience(text, words, cut)
    for group in (*words.kinds.values(), words.images, words.adjectives, look.terms, words.style_after):
        if group:
            text = words.pattern(tuple(group)).sub(cut, text)
    pieces = [clean(piece, words) for piece in re.split(f"{cut}|{_CLAUSE.pattern}", text)]
    pieces = [piece for piece in pieces if piece and (len(piece) > 1 or not words.joined)]
    leftovers = sum(len(piece) for piece in pieces)
    # A date or a price is a detail, wherever it stands and however long it is.
    plain = [piece for piece in pieces if not any(char.isdigit() for char in piece)]
    subject = max(plain or pieces, key=len, default="")
    whole = {clean(clause, words) for clause in _CLAUSE.split(sentence)}
    least = 4 if words.joined else 6
    details = tuple(piece for piece in pieces if piece != subject and (len(piece) >= least or piece in whole))
    aside = not kind and leftovers * 2 < len(sentence.strip(_EDGE)) and bool(look.terms)
    topic = _headed(sentence, kind, subject, details, words)
    if sentence.rstrip().endswith(("?", "？")) and subject and not kind:
        subject += "？" if words.joined and words.code != "th" else "?"
    return Framed(
        kind=kind,
        subject=subject,
        topic=topic,
        audience=clean(audience, words),
        details=tuple(detail for detail in details if detail != topic),
        series=bool(words.series) and words.find(words.series, sentence) is not None,
        aside=aside,
    )


def _headed(sentence: str, kind: str, subject: str, details: tuple[str, ...], words: Lexicon) -> str:
    """What a kind in another clause than the subject's is about; the empty string where there is no such clause."""
    clauses = [clause for clause in _CLAUSE.split(sentence) if clause.strip(_EDGE)]
    if kind in {"", "scene"} or len(clauses) < 2:
        return ""
    own = [clause for clause in clauses[1:] if words.find(words.kinds[kind], clause) and subject not in clause]
    return next((detail for clause in own for detail in details if detail in clause), "")


def _span_audience(text: str, words: Lexicon, cut: str) -> tuple[str, str]:
    stop = f"[^{cut},，、،;；。.!?！？␟]"
    if words.audience_after:
        mark = alternation(words.audience_after, joined=True)
        for match in re.finditer(f"({stop}{{1,30}}?)\\s*{mark}", text, re.IGNORECASE):
            if _names_audience(match[1], words):
                return text[: match.start()] + cut + text[match.end() :], match[1]
    if words.audience_before:
        mark = alternation(words.audience_before, joined=words.joined)
        for match in re.finditer(f"{mark}({stop}{{1,24}})", text, re.IGNORECASE):
            if _names_audience(match[1], words):
                return text[: match.start()] + cut + text[match.end() :], match[1]
    return text, ""
