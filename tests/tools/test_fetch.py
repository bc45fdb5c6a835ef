"""Fetching from real, and really hostile, servers on loopback."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ipaddress
import ssl
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from safelight.errors import FetchRefused
from safelight.tests.tools.loopback import LOOPBACK, Request, answer, serving
from safelight.tools.fetch import FetchLimits, PageFetcher, PageSource, fetch_bytes
from safelight.tools.net import AddressPolicy
from safelight.tools.reader import DocumentReader

LIMITS = FetchLimits(bytes=200_000, seconds=5, idle_seconds=2, redirects=3)
PAGE = b"<html lang=en><title>Vaccines</title><p>A vaccine trains the immune system against one disease.</p></html>"


def fetcher(documents: DocumentReader, **options: object) -> PageFetcher:
    return PageFetcher(documents, **({"policy": LOOPBACK, "limits": LIMITS} | options))  # type: ignore[arg-type]


async def test_a_page_becomes_a_document(documents: DocumentReader) -> None:
    async with serving(answer(PAGE)) as server:
        document = await fetcher(documents).fetch(f"{server.url}/a?b=1#frag")
    assert document.title == "Vaccines"
    assert "trains the immune system" in document.text
    assert document.url == f"{server.url}/a?b=1"
    assert document.language == "en"
    assert isinstance(fetcher(documents), PageSource)


async def test_the_request_is_honest_and_carries_nothing_personal(
    documents: DocumentReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # a proxy that would fail
    async with serving(answer(PAGE, Set_Cookie="id=1; Path=/")) as server:
        for _ in range(2):
            await fetcher(documents).fetch(server.url)
    for request in server.requests:
        assert request.headers["user-agent"].startswith("Safelight/")
        assert request.headers["host"] == f"127.0.0.1:{server.port}"
        assert not {"cookie", "referer", "authorization"} & request.headers.keys()


async def test_loopback_is_refused_without_the_exemption(documents: DocumentReader) -> None:
    async with serving(answer(PAGE)) as server:
        for host in ("127.0.0.1", "localhost", "localhost.", "0x7f.0.0.1", "[::1]"):
            with pytest.raises(FetchRefused, match=r"not public|not an address|cannot be resolved"):
                await fetcher(documents, policy=AddressPolicy(ports=None)).fetch(f"http://{host}:{server.port}/")
    assert server.requests == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_every_redirect_is_checked(documents: DocumentReader, status: str) -> None:
    async with serving(answer(b"secret")) as inner:
        for target in (
            f"http://127.0.0.2:{inner.port}/",
            f"http://localhost:{inner.port}/",
            "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            f"//user:pw@127.0.0.1:{inner.port}/",
            "http://[::1/",
        ):
            policy = AddressPolicy(ports=None, exempt=LOOPBACK_ONE)
            async with serving(answer(b"", status=status, Location=target)) as server:
                with pytest.raises(FetchRefused):
                    await fetcher(documents, policy=policy, resolver=_localhost_is_second).fetch(server.url)
    assert inner.requests == []


LOOPBACK_ONE = (ipaddress.ip_network("127.0.0.1/32"),)


async def _localhost_is_second(host: str, port: int) -> list[str]:
    return ["127.0.0.2"] if host == "localhost" else [host]


async def test_redirects_are_followed_relatively_and_bounded(documents: DocumentReader) -> None:
    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        number = int(request.target.rpartition("/")[2] or 0)
        done = number >= 3 and "loop" not in request.target
        writer.write(answer(PAGE) if done else answer(b"", status="302 Found", Location=str(number + 1)))

    async with serving(respond) as server:
        document = await fetcher(documents).fetch(f"{server.url}/x/0")
        assert document.url == f"{server.url}/x/3"
        with pytest.raises(FetchRefused, match="redirects more than 3 times"):
            await fetcher(documents).fetch(f"{server.url}/loop/0")
    assert len(server.requests) == 8


async def test_rebinding_between_check_and_connection_is_impossible(documents: DocumentReader) -> None:
    """The resolver answers publicly first and privately then: there is no second question to answer."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["203.0.113.7"] if len(asked) == 1 else ["127.0.0.1"]

    async with serving(answer(b"secret")) as server:
        policy = AddressPolicy(ports=None, exempt=(ipaddress.ip_network("203.0.113.0/24"),))
        limits = FetchLimits(seconds=1, idle_seconds=0.5)
        with pytest.raises(FetchRefused, match=r"cannot be reached|did not answer"):
            await fetcher(documents, policy=policy, resolver=rebinding, limits=limits).fetch(
                f"http://attacker.example:{server.port}/"
            )
        assert asked == ["attacker.example"]
        with pytest.raises(FetchRefused, match="not public"):  # the next fetch asks anew, and checks anew
            await fetcher(documents, policy=policy, resolver=rebinding).fetch(f"http://attacker.example:{server.port}/")
    assert server.requests == []


async def test_the_connection_goes_to_the_checked_address_and_keeps_the_host_header(documents: DocumentReader) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with serving(answer(PAGE)) as server:
        document = await fetcher(documents, resolver=resolver).fetch(f"http://vaccines.example:{server.port}/")
    assert server.requests[0].headers["host"] == f"vaccines.example:{server.port}"
    assert document.url.startswith("http://vaccines.example")


async def test_a_dead_first_address_is_followed_by_the_next(documents: DocumentReader) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    async with serving(answer(PAGE)) as server:
        assert await fetcher(documents, resolver=resolver).fetch(f"http://two.example:{server.port}/")


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS context for `name`, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    leaf = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "tls.pem"
    path.write_bytes(
        leaf.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    client = ssl.create_default_context()
    client.load_verify_locations(cadata=leaf.public_bytes(serialization.Encoding.PEM).decode())
    return server, client


async def test_tls_verifies_the_name_though_it_connects_by_number(documents: DocumentReader, tmp_path: Path) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    server_tls, client_tls = certificate(tmp_path, "vaccines.example")
    seen: list[str | None] = []
    server_tls.sni_callback = lambda _, name, __: seen.append(name)  # type: ignore[assignment,misc]
    async with serving(answer(PAGE), tls=server_tls) as server:
        reach = fetcher(documents, resolver=resolver, tls=client_tls)
        assert (await reach.fetch(f"https://vaccines.example:{server.port}/")).title == "Vaccines"
        with pytest.raises(FetchRefused, match="certificate"):
            await reach.fetch(f"https://other.example:{server.port}/")
        with pytest.raises(FetchRefused, match="certificate"):
            await fetcher(documents, resolver=resolver).fetch(f"https://vaccines.example:{server.port}/")
    assert seen == ["vaccines.example", "other.example", "vaccines.example"]


async def test_slow_loris_ends_at_the_deadline(documents: DocumentReader) -> None:
    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
            if "body" in request.target
            else b"HTTP/1.1 200 OK\r\nX: "
        )
        writer.write(head)
        for _ in range(200):
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.05)

    limits = FetchLimits(seconds=0.6, idle_seconds=5)
    async with serving(respond) as server:
        for path in ("head", "body"):
            start = time.monotonic()
            with pytest.raises(FetchRefused, match=r"did not answer within 0\.6 s"):
                await fetcher(documents, limits=limits).fetch(f"{server.url}/{path}")
            assert time.monotonic() - start < 3


async def test_a_silent_server_ends_at_the_idle_limit(documents: DocumentReader) -> None:
    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)

    async with serving(respond) as server:
        with pytest.raises(FetchRefused, match="cannot be reached"):
            await fetcher(documents, limits=FetchLimits(seconds=5, idle_seconds=0.3)).fetch(server.url)


def _endless_gzip() -> bytes:
    return gzip.compress(b"<p>" + b"a" * 30_000_000, 9)


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (_endless_gzip, "gzip"),
        (lambda: zlib.compress(b"a" * 30_000_000, 9), "deflate"),
        (lambda: b"a" * 300_000, "identity"),
    ],
)
async def test_bombs_end_at_the_byte_limit(
    documents: DocumentReader, packed: Callable[[], bytes], encoding: str
) -> None:
    body = packed()

    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\nContent-Encoding: "
            + encoding.encode()
            + b"\r\n\r\n%x\r\n" % len(body)
            + body
            + b"\r\n0\r\n\r\n"
        )

    async with serving(respond) as server:
        start = time.process_time()
        with pytest.raises(FetchRefused, match=r"more than 0\.2 MB"):
            await fetcher(documents).fetch(server.url)
        assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (answer(b"x" * 10, status="404 Not Found"), "status 404"),
        (answer(b"x" * 10, status="500 Oops"), "status 500"),
        (answer(b"", status="302 Found"), "status 302"),
        (answer(PAGE, Content_Encoding="br"), "packed as 'br'"),
        (answer(gzip.compress(PAGE), Content_Encoding="gzip, gzip"), "packed as 'gzip, gzip'"),
        (answer(PAGE, Content_Encoding="gzip"), "packed wrongly"),
        (answer(PAGE, media_type="image/png"), "not a page"),
        (answer(PAGE, media_type="video/mp4"), "not a page"),
        (answer(b"\x89PNG\r\n\x1a\n" + bytes(100)), "is an image"),
        (answer(bytes(range(256)) * 10), "no document"),
        (answer(b""), "empty"),
        (answer(b"<html><script>1</script></html>"), "no text"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", "cannot be reached|MB"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", "has 5 MB"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", "cannot be reached"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", "cannot be reached"),
        (b"", "cannot be reached"),
    ],
)
async def test_what_is_no_page_is_refused_in_clear_words(
    documents: DocumentReader, response: bytes, words: str
) -> None:
    async with serving(response) as server:
        with pytest.raises(FetchRefused, match=words):
            await fetcher(documents).fetch(server.url)


@pytest.mark.parametrize(
    ("body", "media_type", "expected"),
    [
        ("<html><p>Größe und Maß der Dinge".encode("latin-1"), "text/html; charset=iso-8859-1", "Größe und Maß"),
        (
            "<html><meta charset=shift_jis><p>ワクチンの作り方を説明します".encode("shift_jis"),
            "text/html",
            "ワクチンの作り方",
        ),
        ("<html><p>Größe und Maß der Dinge".encode(), "text/html; charset=iso-8859-1", "Größe und Maß"),
        ("<html><p>Größe und Maß der Dinge".encode("utf-16"), "text/html", "Größe und Maß"),
        ("Größe und Maß".encode(), "text/plain; charset=rot13", "Größe und Maß"),
        (b"year,dose\n2020,1\n2021,2\n", "text/csv", "2020 | 1"),
        (gzip.compress(PAGE), "text/html", "trains the immune"),
    ],
)
async def test_charsets_types_and_packing(
    documents: DocumentReader, body: bytes, media_type: str, expected: str
) -> None:
    extra = {"Content_Encoding": "gzip"} if body[:2] == b"\x1f\x8b" else {}
    async with serving(answer(body, media_type=media_type, **extra)) as server:
        assert expected in (await fetcher(documents).fetch(f"{server.url}/data.csv")).text


async def test_a_fetch_can_be_cancelled(documents: DocumentReader) -> None:
    started = asyncio.Event()

    async def respond(request: Request, writer: asyncio.StreamWriter) -> None:
        started.set()
        await asyncio.sleep(2)

    async with serving(respond) as server:
        task = asyncio.create_task(fetcher(documents).fetch(server.url))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_fetch_bytes_gives_the_final_address_and_type() -> None:
    async with serving(answer(b"{}", media_type="Application/JSON; charset=UTF-8")) as server:
        response = await fetch_bytes(f"{server.url}/x", policy=LOOPBACK, limits=LIMITS)
    assert (response.media_type, response.charset, response.data) == ("application/json", "UTF-8", b"{}")
