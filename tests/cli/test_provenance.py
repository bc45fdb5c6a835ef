"""The commands on provenance and keys, as a user runs them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import Any

from PIL import Image

from .conftest import Shell


def own_picture(shell: Shell) -> None:
    Image.effect_mandelbrot((512, 512), (-2, -1.5, 1, 1.5), 60).convert("RGB").save(shell.folder / "own.png")


def test_stamp_and_doctor(shell: Shell) -> None:
    own_picture(shell)
    stamp = shell.json("stamp", "own.png", "--out", "own-stamped.png")
    assert stamp["sha256"] == hashlib.sha256((shell.folder / "own-stamped.png").read_bytes()).hexdigest()
    assert shell.json("verify", "own-stamped.png")["verdict"] == "ours"
    assert shell.json("verify", "own.png")["verdict"] in {"no_evidence", "probably_ours", "ours"}
    avif = shell.folder / "own.avif"
    Image.open(shell.folder / "own.png").save(avif)
    shell("stamp", "own.avif", "--out", "own-stamped.avif")
    (shell.folder / "notes.png").write_text("not an image")
    told = shell("verify", "own-stamped.avif", "notes.png", "own-stamped.png", code=1)
    assert "own-stamped.avif: Ours." in told.stdout
    assert "own-stamped.png: Ours." in told.stdout
    assert "c2pa.opened" in told.stdout
    assert "proves who signed these bytes" in told.stdout  # what a leg does not prove is told beside it
    assert "false alarm: 1.49e-08" in told.stdout
    assert not set("[]{}") & set(told.stdout)
    assert "notes.png" in told.stderr
    findings = shell.json("doctor")
    assert not [item for item in findings if item["state"] == "missing"]
    assert [item["detail"] for item in findings if item["what"] == "watermark"] == [
        "classical (org.safelight.spread.1)"
    ]


def test_many_files_give_a_line_each_good_and_bad(shell: Shell) -> None:
    own_picture(shell)
    shell("stamp", "own.png", "--out", "stamped.png")
    whole = (shell.folder / "stamped.png").read_bytes()
    (shell.folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (shell.folder / "empty.png").touch()
    (shell.folder / "folder.png").mkdir()
    Image.new("RGB", (1, 1)).save(shell.folder / "dot.png")
    names = ["stamped.png", "cut.png", "empty.png", "folder.png", "missing.png", "dot.png"]
    told = [json.loads(line) for line in shell("verify", "--json", *names, code=1).stdout.splitlines()]
    assert [each["path"] for each in told] == names
    assert [each.get("verdict") for each in told] == ["ours", None, None, None, None, "no_evidence"]
    assert ["error" in each for each in told] == [False, True, True, True, True, False]
    assert set(told[0]) == {"path", "verdict", "legs", "run_id", "image_id", "changes"}


def test_a_reader_that_has_read_enough_is_no_error(shell: Shell) -> None:
    Image.new("RGB", (1, 1)).save(shell.folder / "dot.png")
    command = [sys.executable, "-m", "safelight.cli", "verify", "--json", *["dot.png"] * 3]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=shell.folder, env=shell.env, **pipes) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_a_trust_list_that_cannot_be_used_is_named(shell: Shell) -> None:
    Image.new("RGB", (1, 1)).save(shell.folder / "dot.png")
    (shell.folder / "roots.pem").write_text("no certificate")
    done = shell("verify", "dot.png", code=1, SAFELIGHT_TRUST_LIST="roots.pem")
    assert "The certificates in roots.pem cannot be read" in done.stderr


def test_rotated_keys_still_recognize(shell: Shell) -> None:
    own_picture(shell)
    shell("stamp", "own.png", "--out", "before.png")
    for name in ("signing", "watermark"):
        shell("keys", "rotate", name)
    shell("stamp", "own.png", "--out", "after.png")
    bare = shell.folder / "bare.png"
    with Image.open(shell.folder / "before.png") as picture:
        picture.convert("RGB").save(bare)
    for name in ("before.png", "after.png", "bare.png"):
        assert shell.json("verify", name)["verdict"] == "ours"
    known = shell.json("keys", "show")
    assert known["watermark"] == "k2"
    assert known["signing"]["retired"] == 1
    assert any("development" in warning for warning in known["warnings"])
    shell("keys", "rotate", "nothing", code=2)


def test_erasing_a_run_keeps_the_chain(shell: Shell) -> None:
    result = shell.json("generate", "A card about snow", "-n", "1", "--size", "512x512", "--out", "snow")
    shell("audit", "erase", result["run_id"])
    assert shell.json("audit", "verify")["intact"] is True
    shell("generate", "--resume", result["run_id"], code=2)
