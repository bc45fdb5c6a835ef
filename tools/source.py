"""A page or file that research read."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Document", "Passage", "SearchHit", "Source"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SearchHit(_Frozen):
    """One search result: untrusted until cleared."""

    title: str
    url: str
    snippet: str
    provider: str


class Document(_Frozen):
    """The text of a page or file, with tables as rows of cells. Untrusted.

    `language` is ISO 639-1 or empty where unknown; `truncated` says that the limits cut it.
    """

    title: str
    url: str
    text: str
    tables: tuple[tuple[tuple[str, ...], ...], ...] = ()
    language: str = ""
    media_type: str = "text/plain"
    truncated: bool = False


class Passage(_Frozen):
    """A ranked passage of a document; `score` grows with relevance, its scale being the ranker's own."""

    text: str
    url: str
    title: str
    score: float


class Source(_Frozen):
    """What may be cited: address, title, the quoted passage, and when it was read (UTC)."""

    id: str = Field(pattern=r"^s\d+$")
    url: str
    title: str
    quote: str
    read_at: datetime
