"""Blobs are there whole or not at all, and are what their name says."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safelight.errors import ConfigError, StoreError
from safelight.store import Blobs, ref_of


def file_of(folder: Path, ref: str) -> Path:
    digest = ref.removeprefix("sha256:")
    return folder / "sha256" / digest[:2] / digest


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket that speaks S3 over HTTP."""
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    import urllib.request

    request = urllib.request.Request(f"http://{host}:{port}/images", method="PUT")
    urllib.request.urlopen(request).close()  # noqa: S310 - our own server
    yield "s3://images/some/prefix"
    server.stop()


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        url: str = request.getfixturevalue("bucket")
        return url
    return "memory://" if request.param == "memory" else (tmp_path / "a folder" / "blobs").as_uri()


async def test_what_is_kept_comes_back(place: str) -> None:
    blobs = await Blobs.open(place)
    data = os.urandom(300_000)
    ref = await blobs.put(data)
    assert ref == ref_of(data) == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert await blobs.put(data) == ref
    assert await blobs.get(ref) == data
    assert await blobs.exists(ref)
    await blobs.delete(ref)
    await blobs.delete(ref)
    assert not await blobs.exists(ref)
    with pytest.raises(StoreError, match="not in the store"):
        await blobs.get(ref)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(data=st.binary())
def test_any_bytes_are_kept(tmp_path: Path, data: bytes) -> None:
    async def there_and_back() -> bytes:
        blobs = await Blobs.open((tmp_path / "blobs").as_uri())
        return await blobs.get(await blobs.put(data))

    assert asyncio.run(there_and_back()) == data


@pytest.mark.parametrize("harm", ["flip", "cut", "empty"])
async def test_a_damaged_blob_is_not_handed_out_and_heals_when_kept_again(tmp_path: Path, harm: str) -> None:
    blobs = await Blobs.open(tmp_path.as_uri())
    data = os.urandom(1000)
    path = file_of(tmp_path, await blobs.put(data))
    path.write_bytes({"flip": data[:-1] + bytes([data[-1] ^ 1]), "cut": data[:500], "empty": b""}[harm])
    with pytest.raises(StoreError, match="damaged"):
        await blobs.get(ref_of(data))
    await blobs.put(data)
    assert await blobs.get(ref_of(data)) == data


@pytest.mark.parametrize(
    "ref", ["", "sha256:", "md5:00", "sha256:" + "A" * 64, "sha256:../../../etc/passwd", "sha256:" + "0" * 64 + "\n"]
)
async def test_what_is_no_reference_is_refused(tmp_path: Path, ref: str) -> None:
    blobs = await Blobs.open(tmp_path.as_uri())
    with pytest.raises(StoreError, match="no blob reference"):
        await blobs.get(ref)


@pytest.mark.parametrize("url", ["ftp://host/x", "", "file://host/share", "https://host/x"])
async def test_an_address_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="memory://"):
        await Blobs.open(url)


async def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        await Blobs.open((tmp_path / "file" / "blobs").as_uri())


async def test_a_bucket_that_does_not_answer_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    blobs = await Blobs.open("s3://images")
    begun = time.monotonic()
    with pytest.raises(StoreError, match="s3://images could not write") as error:
        await blobs.put(b"data")
    assert "\n" not in str(error.value)
    assert time.monotonic() - begun < 30


async def test_many_writers_of_the_same_bytes(tmp_path: Path) -> None:
    blobs = await Blobs.open(tmp_path.as_uri())
    data = os.urandom(200_000)
    assert set(await asyncio.gather(*(blobs.put(data) for _ in range(16)))) == {ref_of(data)}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file_of(tmp_path, ref_of(data))]


async def test_files_are_their_owners_alone(tmp_path: Path) -> None:
    blobs = await Blobs.open((tmp_path / "blobs").as_uri())
    path = file_of(tmp_path / "blobs", await blobs.put(b"private"))
    assert path.stat().st_mode & 0o077 == 0


async def test_what_a_killed_writer_left_is_removed_in_time(tmp_path: Path) -> None:
    await Blobs.open(tmp_path.as_uri())
    old, new = tmp_path / ".incoming" / "old", tmp_path / ".incoming" / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    await Blobs.open(tmp_path.as_uri())
    assert not old.exists()
    assert new.exists()  # its writer may be alive


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(command, check=False, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted: {done.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_a_full_disk_is_one_clear_line_and_leaves_nothing(small_disk: Path) -> None:
    blobs = await Blobs.open((small_disk / "blobs").as_uri())
    kept = await blobs.put(os.urandom(50_000))
    with pytest.raises(StoreError, match=r"is full .* make room"):
        await blobs.put(os.urandom(400_000))
    assert await blobs.get(kept)
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == [kept.removeprefix("sha256:")]
