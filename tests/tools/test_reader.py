"""The process that reads documents: it is limited, it is killed when late, and the next document gets a new one."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from safelight.errors import BadFile, ConfigError
from safelight.tools import reading
from safelight.tools.reader import DocumentReader


async def test_it_reads_and_keeps_its_child(documents: DocumentReader) -> None:
    await documents.read(b"warm", "a.txt")
    start = time.monotonic()
    assert (await documents.read(b"hello", "a.txt", url="https://example.com/a")).url == "https://example.com/a"
    assert time.monotonic() - start < 0.5


async def test_bad_files_are_reported_as_such(documents: DocumentReader) -> None:
    with pytest.raises(BadFile, match="empty"):
        await documents.read(b"", "a.txt")
    assert (await documents.read(b"still there")).text == "still there"


def child_pid(reader: DocumentReader) -> int:
    child = reader._slots.queue[0]
    assert child is not None
    return child._process.pid


async def test_a_late_document_kills_the_child_and_the_next_gets_a_new_one() -> None:
    reader = DocumentReader(workers=1, seconds=20)
    await reader.read(b"hello")
    first = child_pid(reader)
    reader._seconds = 0.4
    os.kill(first, 19)  # SIGSTOP: as stuck as a child can be
    start = time.monotonic()
    with pytest.raises(BadFile, match=r"within 0\.4 s"):
        await reader.read(b"hello")
    assert time.monotonic() - start < 5
    reader._seconds = 20
    assert (await reader.read(b"hello")).text == "hello"
    assert child_pid(reader) != first
    reader.close()


async def test_a_child_that_dies_is_replaced() -> None:
    reader = DocumentReader(workers=1)
    await reader.read(b"hello")
    os.kill(child_pid(reader), 9)
    await asyncio.sleep(0.2)
    assert (await reader.read(b"again")).text == "again"
    reader.close()


async def test_memory_is_bounded() -> None:
    """The same text is read by a child with room and refused by one without, which then goes on serving."""
    text = b"some words of text\n" * 1_000_000
    roomy = DocumentReader(workers=1)
    assert (await roomy.read(b"hello")).text == "hello"
    status = Path(f"/proc/{child_pid(roomy)}/status").read_text()
    used = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmPeak"))
    assert (await roomy.read(text)).truncated
    roomy.close()
    tight = DocumentReader(workers=1, memory=used + 15_000_000)
    with pytest.raises(BadFile, match="memory"):
        await tight.read(text)
    assert (await tight.read(b"hello")).text == "hello"
    tight.close()


async def test_a_child_that_cannot_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    reader = DocumentReader(workers=1)
    with pytest.raises(ConfigError, match="cannot be started"):
        await reader.read(b"hello")
    reader.close()


def test_threads_share_the_children() -> None:
    reader = DocumentReader(workers=2)
    with ThreadPoolExecutor(6) as pool:
        texts = list(pool.map(lambda n: reader.read_blocking(b"text %d" % n).text, range(30)))
    assert texts == [f"text {n}" for n in range(30)]
    assert reader._slots.qsize() == 2
    reader.close()


def test_dropping_the_reader_ends_its_children() -> None:
    reader = DocumentReader(workers=1)
    reader.read_blocking(b"hello")
    pid = child_pid(reader)
    del reader
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_child_sees_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("SAFELIGHT_DATABASE", "postgresql://user:secret@db/x")
    reader = DocumentReader(workers=1)
    reader.read_blocking(b"hello")
    assert b"secret" not in Path(f"/proc/{child_pid(reader)}/environ").read_bytes()
    reader.close()


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("127.0.0.1", 80))),
        ("socket.__new__", (None, 2, 1, 0)),
        ("subprocess.Popen", ("sh", [], None, None)),
        ("os.system", (b"id",)),
        ("os.exec", ("sh", [], None)),
        ("open", ("/tmp/x", "w", os.O_WRONLY | os.O_CREAT)),
        ("open", ("/tmp/x", "r+", os.O_RDWR)),
    ],
)
def test_the_second_wall_refuses_effects(event: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(PermissionError):
        reading._refuse_effects(event, arguments)


def test_the_second_wall_lets_parsers_read() -> None:
    reading._refuse_effects("open", ("/etc/mime.types", "r", os.O_RDONLY | os.O_CLOEXEC))
    reading._refuse_effects("import", ("docx", None, None, None, None))
