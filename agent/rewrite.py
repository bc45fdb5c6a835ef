"""Safe completions: the nearest request that serves the legitimate goal, with what was changed to get there.

Four steps, each stronger than the last: words for words; whole clauses; only who and where, in a calm scene; what the
policy leaves of the purpose. `SafeCompletion` climbs them until its judge allows. What is never rewritten is refused
with an offer.

A rewrite must not merely talk the judge round: words like "tasteful" or "educational" put beside the same content lower
a classifier's score and change nothing. So a calm scene is only set around a core that was itself judged and allowed.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable

from ..safety.policy import Policy, PolicySet
from ..safety.verdict import Decision, Verdict
from .crafts import Craft, Swap, craft_for
from .embedded.language import identify
from .embedded.words import WORD, alternation, lexicon
from .reasoner import Reasoner, Rewrite

__all__ = ["STRENGTHS", "Judge", "SafeCompletion", "rewrite_text"]

Judge = Callable[[str], Awaitable[Verdict]]
"""Judges a rewritten request anew, as if it had just come in."""

STRENGTHS = (1, 2, 3, 4)
_CORE, _INSTEAD = 3, 4
_MOST_TRIES = 6
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "ru", "zh", "ja", "ar")
_CLAUSES = re.compile(r"(\s*[,;，；、،؛]\s*|\s[–—-]\s|(?<=[^\d\s.][.!?。！？])\s*)")
_ARTICLE_BEFORE = re.compile(r"\b(?:a|an|the|one|some)\s+$", re.IGNORECASE)
_REQUEST = re.compile(
    r"^(?:please\s+)?(?:(?:draw|create|generate|make|show|depict|illustrate|design|visualize|produce|imagine|render)\s+)?"
    r"(?:(?:(?:an?|the)\s+)?(?:\w+-?\w*\s+){0,2}"
    r"(?:image|picture|photo|photograph|scene|depiction|drawing|illustration|painting)"
    r"\s+(?:of|showing|depicting|portraying|capturing)\s+)?",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"(?P<who>(?:(?:an?|the|two|three|several|some|one)\s+)?(?:group of\s+)?"
    r"[A-Za-z'’-]+(?:\s+(?!\w+(?:ing|ed)\b)[A-Za-z'’-]+){0,2}?)"
    r"(?=\s+(?:is|are|was|were|has|have|who|that|which|with|being|getting|\w+ing|\w+ed|\w{3,}s)\b"
    r"|\s+(?:in|on|at|by|near)\s|[,.]|$)",
    re.IGNORECASE,
)
_SOMEONE = re.compile(r"(?:an?|the|two|three|several|some|one|group)\s.*\w(?<!['’]s)(?<!ly)$", re.IGNORECASE)
# Where a noun phrase that was cut off ends: in a quality or a number of something that is still to come.
_UNFINISHED = re.compile(
    r"(?:\b(?:two|three|four|five|six|seven|eight|nine|ten|several|many|some|one|small|large|big|huge|tiny|little|long|"
    r"short|tall|old|elderly|young|new|dark|bright|dim|deep|cold|hot|warm|wet|dry|clean|dirty|dusty|rusty|empty|full|"
    r"broken|abandoned|quiet|silent|secret|clandestine|hidden|sinister|grim|gloomy|eerie|bare|naked|close|wide|narrow|"
    r"modern|ancient|red|blue|green|black|white|gray|grey|brown|yellow|golden|wooden|single|lone|real|fake|illegal|"
    r"surreal|realistic|dramatic|chaotic|futuristic|older|younger|larger|smaller|darker|dimly|dense|tense|step-by-step)"
    r"|\w{3,}(?:ous|ful|less|ive|able|ible|ish|ical|esque|[a-z]like))$",
    re.IGNORECASE,
)
_HALF = re.compile(rf"\b(?:an?|the|his|her|their|some)\s+{_UNFINISHED.pattern}", re.IGNORECASE)
# What carries a message is no subject: what it said was the trouble.
_GENRE = re.compile(
    r"\b(?:guide|diagram|map|infographic|poster|tutorial|chart|schematic|manual|manifesto|flyer|sign|post|message|note|"
    r"document|file|list|video|screenshot|blueprint|plan|portrayal|depiction|scene|image|body|corpse|face|storyboard|"
    r"frame|panel|page|article|letter|slogan|chant|caption|comic|metaphor|representation|visualization|meme|cartoon|"
    r"photo|photograph|collage|close-up|shot)s?\b",
    re.IGNORECASE,
)
_SETTING = re.compile(
    r"\b(?:in|on|at|near|under|beside|inside|outside|through)\s+(?:(?:an?|the|his|her|their)\s+)?(?:[a-z'’-]+\s+){0,1}"
    r"(?:street|alley|alleyway|forest|woods|field|battlefield|jungle|city|town|village|room|bedroom|kitchen|bathroom|house|"
    r"building|school|classroom|hospital|office|museum|church|park|garden|beach|sea|ocean|lake|river|mountains?|desert|"
    r"sky|night|dawn|dusk|sunset|sunrise|moonlight|rain|snow|winter|summer|rooftop|bridge|castle|tower|station|train|"
    r"market|stage|stadium|arena|party|cafe|restaurant|square|library|farm|road|roadside|cave|studio|ship|harbor)\b",
    re.IGNORECASE,
)
# Places stand behind these, and "the Korean War" or "die Vereinten Nationen" is nobody's name.
_PLACE_BEFORE = re.compile(
    r"\b(?:the|die|das|in|at|from|near|to|of|à|en|de|a|nach|aus|bei|em|no|na|в|из|на)\s+$", re.IGNORECASE
)
# Verbs, question words and articles that wait for something that is gone.
_HANGING = re.compile(
    r"\b(?:is|are|was|were|be|why|how|that|who|which|(?-i:an?)|the|ist|sind|warum|eine?[mnrs]?|est|sont|pourquoi|une?|es|"
    r"son|una|è|sono|perché|é|são|uma|почему)(?=\s*(?:[,.;]|$))|\b(?:ordinary|invented)(?=\s*(?:[,.;:!?]|$))",
    re.IGNORECASE,
)
_DRAWN = (
    r"(?:please\s+)?(?:draw|create|generate|make|show|depict|illustrate|design|visualize|produce|render|paint|sketch)"
)
# What wants to be told and not shown: a question, a piece of writing, somebody's own story.
_TOLD = re.compile(
    rf"\?\s*$|[？؟]|\?\s+[A-Z]|\b(?-i:I|I['’](?:m|ve|ll|d))\b"
    rf"|(?:^|[:.!]\s+)(?:(?:how|what|why|where|who|when|which|is|are|do|does|did|should|may)\s"
    rf"|(?:can|could|would|will)\s+(?!you\s+{_DRAWN}\b)"
    rf"|(?:please\s+)?(?:explain|tell|write|teach|argue|convince|advise|give|list|provide|describe\s+how)\b)",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^(?:and|or|but|then|und|oder|et|ou|puis|y|o|e|и|а)\s+", re.IGNORECASE)
_NAME = re.compile(
    r"(?<![.!?:]\s)(?<!^)(?:\b[A-ZÀ-ÝА-ЯЁ][\w’'-]+(?:\s+(?:de|van|von|al|bin|da|di|la))?\s+){1,3}[A-ZÀ-ÝА-ЯЁ][\w’'-]+"
)


class SafeCompletion:
    """Rewrites a request until `judge` allows it.

    The reasoner tries first, then the bundled lexicon with growing strength. Policies that are not rewritable, now or
    in a later verdict, end it: then the answer is a `Rewrite` without a prompt, and an offer.
    """

    def __init__(self, reasoner: Reasoner, policies: PolicySet, judge: Judge, *, tries: int = _MOST_TRIES) -> None:
        self._reasoner = reasoner
        self._policies = policies
        self._judge = judge
        self._tries = tries

    async def complete(self, text: str, policies: tuple[str, ...], evidence: tuple[str, ...] = ()) -> Rewrite:
        """The first rewrite of `text` that passes. `policies` are the ids behind the verdict on it."""
        broken = _known(policies, self._policies)
        if not broken or any(not policy.rewritable for policy in broken):
            return _refusal(broken)
        tried = {_normal(text)}
        for attempt in range(self._tries):
            rewrite = await self._attempt(text, broken, evidence, attempt)
            if rewrite is None:
                break
            if rewrite.prompt is None or _normal(rewrite.prompt) in tried:
                continue
            tried.add(_normal(rewrite.prompt))
            verdict = await self._judge(rewrite.prompt)
            if verdict.allowed:
                return rewrite
            if verdict.failed or verdict.decision is Decision.REVIEW:
                break
            found = _known(verdict.policies, self._policies)
            if any(not policy.rewritable for policy in found):
                return _refusal((*broken, *found))
            broken = tuple({policy.id: policy for policy in (*broken, *found)}.values())
            evidence = tuple(dict.fromkeys((*evidence, *(item.evidence for item in verdict.findings if item.evidence))))
        return _refusal(broken)

    async def _attempt(
        self, text: str, policies: tuple[Policy, ...], evidence: tuple[str, ...], attempt: int
    ) -> Rewrite | None:
        """The reasoner's own rewrite first, then the lexicon's, one strength at a time; None when all is tried."""
        if attempt == 0:
            return await self._reasoner.rewrite(text, policies, evidence)
        if attempt > len(STRENGTHS):
            return None
        strength = STRENGTHS[attempt - 1]
        if strength == _CORE and not await self._sound(text, policies):
            return Rewrite(prompt=None)
        return rewrite_text(text, policies, evidence, strength=strength)

    async def _sound(self, text: str, policies: tuple[Policy, ...]) -> bool:
        """Whether the bare core of `text` passes, without the words that set a calm scene around it."""
        core = _core(text, [craft for policy in policies if (craft := craft_for(policy.id)) is not None], _tongue(text))
        return bool(core) and (await self._judge(core)).allowed


def rewrite_text(
    text: str, policies: tuple[Policy, ...], evidence: tuple[str, ...] = (), *, strength: int | None = None
) -> Rewrite:
    """One rewrite by the bundled lexicon. `strength` 1..4; None takes the least that changes anything.

    A policy that is not rewritable, or whose lexicon says that nothing legitimate can be left, refuses with its offer.
    """
    crafts = [craft for policy in policies if (craft := craft_for(policy.id)) is not None]
    if not policies or any(not policy.rewritable for policy in policies) or not crafts:
        return _refusal(policies)
    if any(craft.refuse_if.search(text) for craft in crafts):
        return _refusal(policies)
    language = _tongue(text)
    least = max(craft.least for craft in crafts)
    for level in STRENGTHS if strength is None else (strength,):
        if level < least:
            continue
        prompt = _rewritten(text, crafts, evidence, language, level)
        if (
            prompt
            and _normal(prompt) != _normal(text)
            and (level >= _CORE or _coherent(text, prompt, crafts, language))
        ):
            return Rewrite(prompt=prompt, changes=tuple(dict.fromkeys(craft.change for craft in crafts)))
    return _refusal(policies)


def _tongue(text: str) -> str:
    code = identify(text)
    return code if code in _LANGUAGES else "en"


def _rewritten(text: str, crafts: list[Craft], evidence: tuple[str, ...], language: str, level: int) -> str:
    if level == _INSTEAD:
        return next((craft.instead[language] for craft in crafts if language in craft.instead), "")
    if level == _CORE:
        core = _core(text, crafts, language)
        frame = next((craft.frame[language] for craft in crafts if language in craft.frame), "{text}")
        return frame.format(text=core) if core else ""
    if level >= 2:
        text = _pruned(text, crafts, evidence)
    return _swapped(text, crafts, language, names=level >= 2)


def _swapped(text: str, crafts: list[Craft], language: str, *, names: bool) -> str:
    for craft in crafts:
        for swap in craft.swaps:
            text = _put(text, swap)
        if names and (person := craft.capitalized.get(language)):
            text = _unnamed(text, person)
    return _mended(text, language)


def _core(text: str, crafts: list[Craft], language: str) -> str:
    """Who and where, in English: the first noun phrase and the places and times; what is done there goes."""
    if language != "en":
        return ""
    head = _SUBJECT.match(_REQUEST.sub("", text.strip()))
    if head is None or not _SOMEONE.match(head["who"]) or _GENRE.search(head["who"]):
        return ""
    if _UNFINISHED.search(head["who"]):
        return ""
    places = [match[0] for match in _SETTING.finditer(text[len(head[0]) :])]
    kept = [part for part in (head["who"], *places) if not any(craft.marks.search(part) for craft in crafts)]
    return _swapped(" ".join(kept[:3]), crafts, language, names=True) if kept and kept[0] == head["who"] else ""


def _pruned(text: str, crafts: list[Craft], evidence: tuple[str, ...]) -> str:
    """`text` without the clauses that hold what was found; the first is kept, as it names the subject.

    Empty where what is kept would end in half a noun phrase: "an older, wealthy man who …" lost the man.
    """
    quoted = [item for item in evidence if 3 <= len(item) <= 0.6 * len(text) and item.casefold() in text.casefold()]
    pieces = _CLAUSES.split(text)
    kept = [pieces[0]]
    for joint, clause in zip(pieces[1::2], pieces[2::2], strict=True):
        marked = any(craft.marks.search(clause) for craft in crafts) or any(
            item.casefold() in clause.casefold() for item in quoted
        )
        if not marked:
            kept += [joint, clause]
        elif joint.strip() == "," and _HALF.search(kept[-1]):
            return ""
    return "".join(kept)


def _put(text: str, swap: Swap) -> str:
    def replace(match: re.Match[str]) -> str:
        put = _inflected(swap.put[1:], match[0]) if swap.put.startswith("~") else swap.put
        before = text[: match.start()]
        if put and _ARTICLE_BEFORE.search(before):
            put = re.sub(r"^(?:a|an|the)\s+", "", put)
        return put[:1].upper() + put[1:] if put and match[0][:1].isupper() and not before.strip() else put

    return swap.pattern.sub(replace, text)


def _inflected(verb: str, like: str) -> str:
    """A regular English verb (with words behind it) in the form that the first word of `like` has."""
    verb, _, rest = verb.partition(" ")
    word = like.split(maxsplit=1)[0].casefold()
    if word.endswith(("er", "ers", "or", "ors")):  # who does it: "stalker"
        return "people" if word.endswith("s") else "person"
    stem = verb.removesuffix("e")
    if word.endswith("ing"):
        verb = stem + "ing"
    elif word.endswith(("ed", "en", "shot", "hit", "slain", "beat", "stole")):
        verb = stem + "ed"
    elif word.endswith("s"):
        verb += "s"
    return f"{verb} {rest}".strip()


def _unnamed(text: str, person: str) -> str:
    """Names of two words or more become `person`, unless an article or a preposition of place stands before them."""

    def replace(match: re.Match[str]) -> str:
        return match[0] if _PLACE_BEFORE.search(text[: match.start()]) else person

    return _NAME.sub(replace, text)


def _coherent(text: str, prompt: str, crafts: list[Craft], language: str) -> bool:
    """Whether enough of the request is left to read as one: not where half of its words had to go.

    A question or a text that is asked for is about what was taken out: with other words in its place it asks nothing.
    """
    if _TOLD.search(text) and not all(craft.questions for craft in crafts):
        return False
    words = lexicon(language)
    if words.joined:
        touched = sum(len(match[0]) for craft in crafts for match in craft.marks.finditer(text))
        return touched <= 0.7 * len(text) and len(prompt) >= 4
    plain = re.sub(r"\S+@\S+|\d", " ", text.casefold())  # data that was swapped for a placeholder is no loss
    content = [word for word in re.findall(f"{WORD}{{2,}}", plain) if word not in words.stopwords]
    left = set(re.findall(f"{WORD}{{2,}}", prompt.casefold()))
    kept = sum(word in left for word in content)
    return kept >= max(1, 0.3 * len(content)) and not _HANGING.search(prompt) and not _stranded(prompt, crafts)


def _stranded(prompt: str, crafts: list[Craft]) -> bool:
    """Whether a verb that brought its own object ("look for support") stands before that of the verb it replaced."""
    objects = {swap.put.partition(" ")[2] for craft in crafts for swap in craft.swaps if swap.put.startswith("~")}
    after = alternation([words for words in objects if words])
    stranded = re.search(rf"{after}\s+(?:an?|the|his|her|their|its|my|your|him|them|someone)\b", prompt, re.IGNORECASE)
    return stranded is not None


def _mended(text: str, language: str) -> str:
    """`text` without the seams: doubled words and spaces, orphaned connectors, "a original"."""
    words = lexicon(language)
    text = re.sub(
        rf"\b({WORD}+(?:\s+{WORD}+){{0,4}})(?:\s*(?:,|and|of)?\s+(?:an?\s+)?\1\b)+", r"\1", text, flags=re.IGNORECASE
    )
    if not words.joined:
        loose = alternation(words.trailing) if words.trailing else "(?!)"
        for _ in range(2):
            text = re.sub(rf"\s*{loose}\s*(?=[,.;:!?]|$)", "", text, flags=re.IGNORECASE)
    text = re.sub(r"\s+([,.;:!?])", r"\1", re.sub(r"([,;])(?:\s*[,;])+", r"\1", text))
    text = re.sub(r"([，、。])(?:\s*[，、。])+", r"\1", text)
    text = " ".join(text.split()).strip(" ,;，、")
    text = _LEADING.sub("", text)
    if language == "en":
        # An adjective that was put before something that became a noun phrase of its own: "weary an empty uniform".
        text = re.sub(r"\b(?:weary|weathered|romantic|respectful|ordinary|sample)\s+(?=(?:an?|the)\s)", "", text)
        text = re.sub(r"\b[Aa]n?\s+(?=['’]s\b)", "Somebody", text)
        text = re.sub(r"\b([Aa])n?\s+(?=[aeiouAEIOU](?!ni|ne\b|ur))", r"\1n ", text)
        text = re.sub(r"\b([Aa])n\s+(?=[bcdfgjklmnpqrstvwxyz])", r"\1 ", text)
    return text if re.search(r"\w", text) else ""


def _known(ids: Iterable[str], policies: PolicySet) -> tuple[Policy, ...]:
    return tuple(policies[name] for name in dict.fromkeys(ids) if name in policies)


def _refusal(policies: tuple[Policy, ...]) -> Rewrite:
    offers = (item for policy in policies for item in policy.offer)
    return Rewrite(prompt=None, offer=tuple(dict.fromkeys(offers)))


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())
