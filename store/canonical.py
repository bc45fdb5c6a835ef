"""Canonical JSON: one text for one value, so that it can be hashed (RFC 8785, JSON Canonicalization Scheme)."""

from __future__ import annotations

import json
import math
import re
from typing import Any

__all__ = ["canonical"]

_LARGEST_EXACT = 2**53 - 1
# Escapes as the RFC does: the quote, the backslash, and control characters, short forms first.
_quoted = json.JSONEncoder(ensure_ascii=False).encode
_SURROGATE = re.compile("[\ud800-\udfff]")


def canonical(value: Any) -> str:
    """`value` as canonical JSON.

    Takes None, bool, int, float, str, and lists, tuples and string-keyed dicts of them. One step beyond the RFC, which
    forbids them: lone surrogates are written as escapes, so that no name, however broken, keeps an entry out of the
    ledger.

    Raises:
        ValueError: the value has no JSON form (NaN, infinities, integers beyond 2^53-1, other types).
    """
    match value:
        case None:
            return "null"
        case True:
            return "true"
        case False:
            return "false"
        case str():
            return _string(value)
        case int():
            if abs(value) > _LARGEST_EXACT:
                raise ValueError(f"the integer {value} is not exact in JSON; write it as text")
            return str(int(value))
        case float():
            return _number(value)
        case list() | tuple():
            return "[" + ",".join(map(canonical, value)) + "]"
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise ValueError("JSON objects have text keys")
            # The RFC orders keys by UTF-16 code units, which is the order of big-endian UTF-16 bytes.
            keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
            return "{" + ",".join(f"{_string(key)}:{canonical(value[key])}" for key in keys) + "}"
    raise ValueError(f"a {type(value).__name__} has no JSON form")


def _string(value: str) -> str:
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", _quoted(value))


def _number(value: float) -> str:
    """As ECMAScript's Number::toString writes it (ECMA-262, section 6.1.6.1.20), which the RFC prescribes."""
    if not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # value = 0.digits * 10^point, with the shortest digits that read back as the same number
    point = int(exponent or 0) + len(whole) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if 0 < point <= 21:
        text = digits.ljust(point, "0") if len(digits) <= point else f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + text
