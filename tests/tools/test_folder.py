"""Search in a folder: it follows the folder, and nothing leads out of it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from safelight.errors import ConfigError, FetchRefused, SearchUnavailable
from safelight.tests.tools.loopback import serving
from safelight.tools.folder import FolderSearch
from safelight.tools.providers import build_search
from safelight.tools.reader import DocumentReader
from safelight.tools.search import SearchProvider


@pytest.fixture
def library(tmp_path: Path) -> Path:
    root = tmp_path / "my docs"
    (root / "sub").mkdir(parents=True)
    (root / "vaccines.md").write_text("# Vaccines\n\nA vaccine is made from a weakened virus.\n")
    (root / "sub" / "tower #1?.txt").write_text("The Eiffel Tower is 330 metres tall.")
    (root / "ワクチン.txt").write_text("ワクチンは弱毒化したウイルスから作られます。")
    (root / "doses.csv").write_text("year,doses\n2020,5\n2021,7\n")
    (root / "page.html").write_text("<html><body><p>Penicillin comes from a mold." + " It cures infections." * 20)
    return root


def folder(library: Path, documents: DocumentReader, **options: object) -> FolderSearch:
    return FolderSearch(library, documents, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "file"),
    [
        ("how are vaccines made", "vaccines.md"),
        ("Eiffel tower height", "sub/tower%20%231%3F.txt"),
        ("ワクチンの作り方", "%E3%83%AF%E3%82%AF%E3%83%81%E3%83%B3.txt"),
        ("doses in 2021", "doses.csv"),
        ("penicillin", "page.html"),
    ],
)
async def test_the_right_file_is_found_and_read(
    library: Path, documents: DocumentReader, query: str, file: str
) -> None:
    search = folder(library, documents)
    assert isinstance(search, SearchProvider)
    hits = await search.search(query, limit=5)
    assert hits[0].url == f"folder:my%20docs/{file}"
    document = await search.read(hits[0])
    assert document.url == hits[0].url
    assert hits[0].snippet.split()[-1].strip("…") in document.text
    assert str(library) not in document.model_dump_json() + hits[0].model_dump_json()


async def test_nothing_found_is_empty_and_nothing_readable_is_unavailable(
    tmp_path: Path, documents: DocumentReader
) -> None:
    (tmp_path / "a.txt").write_text("hello there")
    assert await folder(tmp_path, documents).search("zzz", limit=5) == ()
    assert await folder(tmp_path, documents).search("hello", limit=0) == ()
    (tmp_path / "empty").mkdir()
    with pytest.raises(SearchUnavailable, match="no document"):
        await folder(tmp_path / "empty", documents).search("x", limit=5)
    with pytest.raises(ConfigError, match="does not exist"):
        folder(tmp_path / "missing", documents)


async def test_it_follows_the_folder(library: Path, documents: DocumentReader) -> None:
    search = folder(library, documents)
    assert await search.search("mitochondria", limit=5) == ()
    (library / "new.txt").write_text("Mitochondria make energy.")
    assert (await search.search("mitochondria", limit=5))[0].url.endswith("new.txt")
    (library / "new.txt").write_text("Chloroplasts make sugar from light.")
    assert await search.search("mitochondria", limit=5) == ()
    assert await search.search("chloroplasts", limit=5)
    (library / "new.txt").unlink()
    assert await search.search("chloroplasts", limit=5) == ()


async def test_unchanged_files_are_not_read_again(library: Path, documents: DocumentReader) -> None:
    reads: list[str] = []

    class Counting:
        async def read(self, data: bytes, name: str = "", **more: object) -> object:
            reads.append(name)
            return await documents.read(data, name, **more)  # type: ignore[arg-type]

    search = FolderSearch(library, Counting())  # type: ignore[arg-type]
    await search.search("vaccines", limit=5)
    await search.search("tower", limit=5)
    assert sorted(reads) == ["doses.csv", "page.html", "tower #1?.txt", "vaccines.md", "ワクチン.txt"]


async def test_searches_at_once_read_the_folder_once(library: Path, documents: DocumentReader) -> None:
    listed = 0

    class Watched(FolderSearch):
        def _listing(self) -> dict[Path, tuple[int, int]]:
            nonlocal listed
            listed += 1
            return super()._listing()

    search = Watched(library, documents)
    found = await asyncio.gather(*(search.search("vaccine", limit=1) for _ in range(5)))
    assert all(hits == found[0] != () for hits in found)
    assert listed == 1


async def test_a_large_folder_is_read_over_several_searches(library: Path, documents: DocumentReader) -> None:
    now = iter(range(1000))
    search = folder(library, documents, refresh_seconds=1.5, clock=lambda: float(next(now)))
    await search.refresh()
    assert not search.complete
    for _ in range(8):
        await search.refresh()
    assert search.complete
    assert await search.search("penicillin", limit=1)


async def test_a_cancelled_refresh_loses_nothing(library: Path, documents: DocumentReader) -> None:
    search = folder(library, documents)
    for _ in range(6):
        task = asyncio.create_task(search.refresh())
        await asyncio.sleep(0.002)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert len(await search.search("vaccine tower penicillin doses", limit=9)) == 4


async def test_bad_files_do_not_hide_the_others(library: Path, documents: DocumentReader) -> None:
    (library / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (library / "broken.docx").write_bytes(b"PK\x03\x04 nothing")
    (library / "binary.txt").write_bytes(bytes(range(256)) * 4)
    os.mkfifo(library / "pipe.txt")
    assert await folder(library, documents).search("vaccine", limit=5)


async def test_hidden_files_other_kinds_and_links_are_left_out(
    library: Path, documents: DocumentReader, tmp_path: Path
) -> None:
    (tmp_path / "outside.txt").write_text("outside secret")
    (library / ".hidden.txt").write_text("hidden secret")
    (library / ".git").mkdir()
    (library / ".git" / "config.txt").write_text("git secret")
    (library / "keys.pem").write_text("key secret")
    (library / "link.txt").symlink_to(tmp_path / "outside.txt")
    (library / "linked").symlink_to(tmp_path)
    assert await folder(library, documents).search("secret", limit=9) == ()


@pytest.mark.parametrize(
    "address",
    [
        "folder:my%20docs/../outside.txt",
        "folder:my%20docs/%2e%2e/outside.txt",
        "folder:my%20docs/sub/../../outside.txt",
        "folder:my%20docs//etc/passwd",
        "folder:my%20docs/link.txt",
        "folder:my%20docs/linked/outside.txt",
        "folder:my%20docs/",
        "folder:my%20docs/missing.txt",
        "folder:my%20docs/a%00b",
        "folder:other/vaccines.md",
        "/etc/passwd",
        "",
    ],
)
async def test_no_address_leads_out_of_the_folder(
    library: Path, documents: DocumentReader, tmp_path: Path, address: str
) -> None:
    (tmp_path / "outside.txt").write_text("outside secret")
    (library / "link.txt").symlink_to(tmp_path / "outside.txt")
    (library / "linked").symlink_to(tmp_path)
    with pytest.raises(FetchRefused):
        await folder(library, documents).read(address)


async def test_pages_are_cited_and_read_with_their_neighbors(tmp_path: Path, documents: DocumentReader) -> None:
    from safelight.tests.tools.test_files import pdf

    words = ["zero", "alpha", "bravo", "charlie", "delta", "echo"]
    (tmp_path / "book.pdf").write_bytes(pdf(*[f"The word {word} stands here" for word in words]))
    search = folder(tmp_path, documents)
    hits = await search.search("charlie", limit=3)
    assert hits[0].url.endswith("/book.pdf#page=4")
    document = await search.read(hits[0])
    assert [word for word in words if word in document.text] == ["bravo", "charlie", "delta"]
    assert len((await search.read(hits[0].url.partition("#")[0])).text.split("\f")) == 6
    assert len((await search.read(hits[0].url.replace("=4", "=99"))).text.split("\f")) == 6
    assert len(await search.search("word stands", limit=9)) == 3  # at most three hits of one file


async def test_a_folder_in_a_chain_is_read_by_its_reader(library: Path, documents: DocumentReader) -> None:
    searching = build_search([f"folder:{library}"], documents=documents, fetcher=None)
    assert searching.provider is not None
    async with serving(b"") as server:
        hits = await searching.provider.search("vaccine", limit=1)
        assert "weakened" in (await searching.reader.read(hits[0])).text
    assert server.requests == []
