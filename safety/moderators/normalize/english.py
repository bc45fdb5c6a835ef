"""How English a run of letters looks: what tells a cipher, or a text written backwards, from plain writing.

A letter-bigram table (quarter nats, base 36, measured on English image captions; rows and columns are word boundary,
a..z), so that any language in Latin letters scores well above its own enciphered form; `words.txt`, the words that
occur in several of those captions, for what letters alone do not decide; and a model of how such words are spelled, for
words that are not among them.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

__all__ = ["best_segment", "codes", "cost", "is_word", "likeliest", "pair_costs", "spelling_cost"]

_ROWS = (
    "z7dbdedfdbllfdhccpe99hjczku",
    "6vgcfuieudujaf7vgz9c9iilqho",
    "f9jst7qxockz8os7rz9glbsry9z",
    "d8wgx7zv9czddxw7zubo9czzzjz",
    "4esti7oln8uzhlmdvsfcvdkozgz",
    "5blebfhkngzpdf9khq89eqikgiu",
    "5btvz9cxr9zzdzz7xzale9zzznz",
    "3btvy7tjacuzfregxzagjdzvzlz",
    "78ovp4tyz9zylom8xxgodhztziz",
    "gfjbddhdyywnbf5bimda9tdzoxj",
    "iaxtp7trxftoqtq3oxrpx7rtxrx",
    "5fqup5sil7vteqcikzlamitozhu",
    "7asld7jrt8zm9lqakzvfhemqz9z",
    "86crz6iut9zzjerabzwgmewuzgz",
    "5dtd8ai7rdnkmojfuurc9ljuxkv",
    "ajkggoahrisida7efz8fd9ecrir",
    "a9tss7ptcbzw9qt9cz8gefzvxkz",
    "ciwrrpwkrpwwlwrmwroww0ipwwr",
    "79njf6ljq9zgjfg9lyhbchkqzgz",
    "4fsfraoscbzjkioddsrc8dzlziz",
    "7bqms8ku68zwgooatzcdhfvmzez",
    "ecgefdndudzq9e8scx78aysztrq",
    "jarzx3xsx5wzzzuczyqrumtxtny",
    "88rkh9rw95zqixe8yzgfkxzrzrz",
    "8drcvbvqhbvtvvqo4ozv7cvzljv",
    "1kkkndirufzzgflaizjdlvzqzys",
    "e8sqn4qoo7wsjombpwqowgonlbd",
)
_COSTS = np.array([[int(digit, 36) for digit in row] for row in _ROWS], np.float32) / 4.0
_COSTS[0, 0] = 0.0
_TOKEN = re.compile(r"\S+")

_FOLD = np.zeros(256, np.uint8)
_FOLD[ord("a") : ord("z") + 1] = np.arange(1, 27)
_FOLD[ord("A") : ord("Z") + 1] = np.arange(1, 27)


def codes(text: str) -> NDArray[np.uint8]:
    """0 for anything but an ASCII letter, 1..26 for letters, one entry a character."""
    points = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32)
    return _FOLD[np.where(points < 256, points, 0)]


def pair_costs(letters: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Surprise (nats) of each letter after the one before it, and of each word's end; as long as `letters` plus one."""
    padded = np.concatenate([[0], letters, [0]])
    return np.asarray(_COSTS[padded[:-1], padded[1:]], np.float32)


def cost(text: str) -> float:
    """Surprise (nats) a letter, word ends included: about 3 for English, 4.5 and more for a cipher of it."""
    letters = codes(text)
    return float(pair_costs(letters).sum() / max(1, int((letters > 0).sum())))


def is_word(word: str) -> bool:
    """It is a common English word of two or more letters."""
    return word.lower() in _words()


@cache
def _words() -> frozenset[str]:
    return frozenset((resources.files(__package__) / "words.txt").read_text(encoding="ascii").split())


def spelling_cost(word: str) -> float:
    """Surprise (nats) of a word's letters and of its end, by the spelling of common words; any case."""
    padded = _EDGE * (_ORDER - 1) + word.lower() + _END
    return sum(_letter_cost(padded[at - _ORDER + 1 : at], padded[at]) for at in range(_ORDER - 1, len(padded)))


def likeliest(letters: Sequence[str]) -> str:
    """The likeliest word whose n-th letter is one of `letters[n]`, a known word before any other. Linear: a beam.

    Case is kept; where two words are as likely, the one that takes the earlier letters of each place.
    """
    beam: list[tuple[float, str]] = [(0.0, "")]
    for options in letters:
        grown = [
            (spent + _letter_cost((_EDGE * (_ORDER - 1) + word.lower())[1 - _ORDER :], option.lower()), word + option)
            for spent, word in beam
            for option in options
        ]
        beam = sorted(grown, key=lambda each: each[0])[:_BEAM]
    return min(beam, key=lambda each: (not is_word(each[1]), spelling_cost(each[1])))[1]


_ORDER = 5  # letters that are looked at together
_BEAM = 16
_EDGE, _END = "^", "$"
_ANY = 1 / 40  # of a letter after anything: a bit less than one of the alphabet's
_LONE = ("a", "i")  # words of one letter


@cache
def _spelling() -> dict[str, Counter[str]]:
    """How often each letter follows each run of up to four letters, in the words of the list."""
    follows: dict[str, Counter[str]] = defaultdict(Counter)
    for word in sorted({*_words(), *_LONE}):
        padded = _EDGE * (_ORDER - 1) + word + _END
        for at in range(_ORDER - 1, len(padded)):
            for back in range(_ORDER):
                follows[padded[at - back : at]][padded[at]] += 1
    return dict(follows)


@cache
def _totals() -> dict[str, tuple[int, int]]:
    """Of each run of letters: how often it is followed, and by how many different letters."""
    return {run: (sum(after.values()), len(after)) for run, after in _spelling().items()}


def _letter_cost(before: str, letter: str) -> float:
    """Surprise (nats) of a letter after those before it: all shorter runs have their say (Witten & Bell, 1991)."""
    follows, totals, share = _spelling(), _totals(), _ANY
    for back in range(_ORDER):
        run = before[len(before) - back :]
        if run not in totals:
            break
        seen, kinds = totals[run]
        share = (follows[run][letter] + kinds * share) / (seen + kinds)
    return -math.log(share)


def best_segment(text: str, gains: NDArray[np.float32], *, toll: float = 1.0) -> tuple[int, int, float]:
    """The run of tokens with the highest summed gain (Kadane): its start and end in `text`, and the gain (nats).

    `gains` has one entry a character; each token pays `toll`, so that chance gains on lone words do not add up.
    """
    best, best_gain = (0, 0), 0.0
    running, start = 0.0, 0
    sums = np.concatenate([[0.0], np.cumsum(gains, dtype=np.float64)])
    for match in _TOKEN.finditer(text):
        if running <= 0:
            running, start = 0.0, match.start()
        running += float(sums[min(match.end() + 1, len(gains))] - sums[match.start()]) - toll
        if running > best_gain:
            best, best_gain = (start, match.end()), running
    return *best, best_gain
