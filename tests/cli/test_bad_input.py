"""Bad input of every kind: one clear line, the right exit code, nothing half-written."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SAFELIGHT = [sys.executable, "-m", "safelight.cli"]


def safelight(
    *arguments: str, cwd: Path, limit_files: int | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if limit_files is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_files, limit_files))

    return subprocess.run(
        [*SAFELIGHT, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=90,
        errors="surrogateescape",
        env={**os.environ, "COLUMNS": "200", **env},
        preexec_fn=limit,
    )


def assert_one_clear_line(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word.lower() in done.stderr.lower()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("generate",), ("PROMPT",)),
        (("generate", ""), ("empty",)),
        (("generate", "   \n"), ("empty",)),
        (("generate", "a cat", "-n", "0"), ("n",)),
        (("generate", "a cat", "-n", "9"), ("n",)),
        (("generate", "a cat", "-n", "-1"), ("n",)),
        (("generate", "a cat", "--size", "10x10"), ("256",)),
        (("generate", "a cat", "--size", "3840x256"), ("aspect",)),
        (("generate", "a cat", "--size", "big"), ("size",)),
        (("generate", "a cat", "--seed", "-3"), ("seed",)),
        (("generate", "a cat", "--style", "vaporwave"), ("style",)),
        (("generate", "a cat", "--image", "absent.png"), ("absent.png",)),
        (("generate", "a cat", "--file", "absent.pdf"), ("absent.pdf",)),
        (("generate", "--resume", "run_unknown"), ("run_unknown",)),
        (("generate", "a cat", "--resume", "run_1"), ("PROMPT",)),
        (("check",), ("TEXT",)),
        (("check", "--input", "rows.jsonl"), ("--output",)),
        (("generate", "a \udcff cat"), ("unicode",)),
    ],
)
def test_usage(arguments: tuple[str, ...], words: tuple[str, ...], home: Path, tmp_path: Path) -> None:
    assert_one_clear_line(safelight(*arguments, cwd=tmp_path), 2, *words)


def test_a_prompt_of_a_megabyte(home: Path, tmp_path: Path) -> None:
    # A single argument of the kernel's is limited to 128 KiB, so this one stays just below it.
    assert_one_clear_line(safelight("generate", "cat " * 30_000, cwd=tmp_path), 2, "32,000")


def corrupt(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(400))


def text_named_png(path: Path) -> None:
    path.write_text("not an image")


def empty(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize("make", [corrupt, text_named_png, empty])
def test_images_that_are_none(make: Callable[[Path], None], home: Path, tmp_path: Path) -> None:
    make(tmp_path / "bad.png")
    assert_one_clear_line(safelight("generate", "make it red", "--image", "bad.png", cwd=tmp_path), 2, "bad.png")


def test_an_unwritable_home(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = safelight("generate", "a cat", cwd=tmp_path, SAFELIGHT_HOME=str(tmp_path / "file" / "home"))
    assert_one_clear_line(done, 1, "SAFELIGHT_HOME")


def test_an_unwritable_out_folder_costs_nothing(home: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    done = safelight("generate", "a cat", "--out", str(tmp_path / "taken" / "out"), cwd=tmp_path)
    assert_one_clear_line(done, 1, "--out")
    assert not home.exists() or "run_" not in safelight("runs", cwd=tmp_path).stdout


def test_a_corrupt_database(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / "safelight.db").write_bytes(b"this is no database" * 100)
    assert_one_clear_line(safelight("runs", cwd=tmp_path), 1, "safelight.db")


def test_an_unknown_setting_value(home: Path, tmp_path: Path) -> None:
    assert_one_clear_line(safelight("generate", "a cat", cwd=tmp_path, SAFELIGHT_GENERATOR="dalle"), 1, "dalle")
    assert_one_clear_line(safelight("runs", cwd=tmp_path, SAFELIGHT_CONCURRENCY="many"), 1, "concurrency")


def test_a_broken_settings_file(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("concurrency = = 3")
    assert_one_clear_line(safelight("runs", cwd=tmp_path, SAFELIGHT_CONFIG="mine.toml"), 1, "mine.toml")


def test_a_wrong_key(home: Path, tmp_path: Path) -> None:
    assert safelight("runs", cwd=tmp_path).returncode == 0
    key = home / "keys" / "ledger.json"
    whole = key.read_bytes()
    key.write_bytes(b"short")
    assert_one_clear_line(safelight("runs", cwd=tmp_path), 1, "key")
    key.unlink()  # and so a new one is made, which is another one
    assert_one_clear_line(safelight("runs", cwd=tmp_path), 1, "another key")
    key.write_bytes(whole)
    key.chmod(0o600)
    assert safelight("runs", cwd=tmp_path).returncode == 0


def test_a_full_disk_leaves_nothing_half_written(home: Path, tmp_path: Path) -> None:
    assert safelight("runs", cwd=tmp_path).returncode == 0  # the database exists and is larger than the limit below
    done = safelight("generate", "a cat", "--out", "out", "-n", "1", cwd=tmp_path, limit_files=300_000)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith("image")]


def test_rows_that_are_none(home: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"id": "1", "prompt": "a cat"}\n{"id": "2"}\n')
    done = safelight("check", "--input", "rows.jsonl", "--output", "out.jsonl", cwd=tmp_path)
    assert_one_clear_line(done, 2, "line 2")


def test_an_output_that_holds_something_else(home: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"id": "1", "prompt": "a cat"}\n')
    for mine in ("my notes", "my notes\nof a week\n", '{"id": "7"}\nmy notes\n'):
        (tmp_path / "out.jsonl").write_text(mine)
        done = safelight("check", "--input", "rows.jsonl", "--output", "out.jsonl", cwd=tmp_path)
        assert_one_clear_line(done, 2, "Choose")
        assert (tmp_path / "out.jsonl").read_text() == mine
