"""Secrets are made once, kept from others, and rotated without losing the ones before."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from safelight.errors import ConfigError
from safelight.store import KeyRing, Keys

RACE = """
import sys
from pathlib import Path
from safelight.store.keys import KeyRing
ring = KeyRing.open(Path(sys.argv[1]))
sys.stdin.readline()
print(ring.get("clearance").key.hex() if sys.argv[2] == "get" else ring.rotate("clearance").current)
"""


def together(folder: Path, what: str, count: int) -> list[str]:
    words = [sys.executable, "-c", RACE, str(folder), what]
    processes = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0].strip() for process in processes]


def test_a_key_is_made_on_first_use_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "keys"
    current, secrets = KeyRing.open(folder).get("clearance")
    assert (current, list(secrets)) == ("k1", ["k1"])
    assert len(secrets["k1"]) == 32
    assert KeyRing.open(folder).get("clearance") == (current, secrets)
    assert KeyRing.open(folder).get("ledger").key != secrets["k1"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600, 0o600]


def test_rotation_keeps_what_was(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    first = ring.get("clearance")
    second = ring.rotate("clearance")
    third = ring.rotate("clearance")
    assert (first.current, second.current, third.current) == ("k1", "k2", "k3")
    assert first.secrets.items() < second.secrets.items() < third.secrets.items()
    assert ring.get("clearance") == third
    assert len(set(third.secrets.values())) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["clearance.json"]


def test_processes_that_ask_first_at_once_get_the_same_key(tmp_path: Path) -> None:
    assert len(set(together(tmp_path, "get", 3))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["clearance.json"]


def test_processes_that_rotate_at_once_lose_no_key(tmp_path: Path) -> None:
    assert sorted(together(tmp_path, "rotate", 3)) == ["k2", "k3", "k4"]
    assert len(KeyRing.open(tmp_path).get("clearance").secrets) == 4


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    ring = KeyRing.open(tmp_path)
    ring.get("clearance")
    (tmp_path / "clearance.json").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        ring.get("clearance")
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigError, match="chmod 700"):
        KeyRing.open(tmp_path)
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "damaged"),
        ("[]", "damaged"),
        ('{"current": "k1"}', "damaged"),
        ('{"current": "k1", "keys": {"k1": "not hex"}}', "damaged"),
        ('{"current": "k1", "keys": {"k1": "00ff"}}', "shorter than 32 bytes"),
        (json.dumps({"current": "k.1", "keys": {"k.1": "00" * 32}}), "oddly named"),
        (json.dumps({"current": "k2", "keys": {"k1": "00" * 32}}), "current key is missing"),
    ],
)
def test_a_file_that_cannot_work_is_refused_and_left_alone(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "clearance.json"
    path.write_text(text)
    path.chmod(0o600)
    for attempt in (KeyRing.open(tmp_path).get, KeyRing.open(tmp_path).rotate):
        with pytest.raises(ConfigError, match=says):
            attempt("clearance")
    assert path.read_text() == text
    assert [each.name for each in tmp_path.iterdir()] == ["clearance.json"]


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        KeyRing.open(tmp_path / "file" / "keys")
    with pytest.raises(ConfigError, match="cannot be made"):
        KeyRing.open(tmp_path / "file")


@pytest.mark.parametrize("name", ["", "../up", "a b", "a.json"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no name"):
        KeyRing.open(tmp_path).get(name)


def test_keys_do_not_show_in_messages() -> None:
    keys = Keys("k1", {"k1": b"\x01" * 32})
    assert "01" not in repr(keys)
    assert repr(keys) == str(keys) == "Keys(current='k1', ids=['k1'])"
