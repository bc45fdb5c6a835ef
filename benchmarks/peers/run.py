"""One guarded thinking turn in Safelight and in its peers, each in an environment of its own: a table of what it costs.

    python benchmarks/peers/run.py [--envs FOLDER] [--only ours,floor] [--turns 20] [--json results.json]

Environments are made in FOLDER on the first run (by default one that goes away afterwards), with pip and with the index
that it is configured for; the peers without packages of their own run in this one. Of a peer that cannot be installed
the table says so. Some eight minutes for all, once they are installed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """An adapter, its variants, and what is to be installed for it; nothing where this environment will do."""

    adapter: str
    variants: tuple[str, ...]
    packages: tuple[str, ...] = ()


PEERS = (
    Peer("floor", ("strict", "held")),
    Peer("ours", ("strict", "held", "all-held", "strict+sqlite", "held+sqlite")),
    Peer("langgraph_by_hand", ("strict",)),
    Peer("langchain_agent", ("strict",), ("langchain",)),
    Peer("openai_agents", ("strict", "default"), ("openai-agents",)),
    Peer("nemo", ("strict",), ("nemoguardrails",)),
    Peer("agent_framework_agent", ("strict",), ("agent-framework-core",)),
    Peer("pydantic_ai_agent", ("strict",), ("pydantic-ai-slim",)),
    Peer("adk", ("strict",), ("google-adk",)),
)


def environment(peer: Peer, folder: Path) -> str:
    """The interpreter that has the peer. Raises subprocess.CalledProcessError where it cannot be installed."""
    if not peer.packages:
        return sys.executable
    home = folder / peer.adapter
    python = home / "bin" / "python"
    if not (home / "installed").exists():
        venv.create(home, with_pip=True, clear=True)
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
        subprocess.run([python, "-m", "pip", "install", *quiet, *peer.packages], check=True, capture_output=True)
        (home / "installed").touch()
    return str(python)


def measured(python: str, name: str, turns: int) -> dict[str, Any]:
    """What `drive.py` found; `{"name", "fault"}` where it failed."""
    command = [python, str(HERE / "drive.py"), name, "--turns", str(turns)]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=180)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return {"name": name, "fault": "took longer than 180 s"}
    except subprocess.CalledProcessError as error:
        return {"name": name, "fault": (error.stderr.strip().splitlines() or ["failed"])[-1][:120]}
    return found


def rows(peers: tuple[Peer, ...], folder: Path, turns: int) -> list[dict[str, Any]]:
    found = []
    for peer in peers:
        try:
            python = environment(peer, folder)
        except subprocess.CalledProcessError:
            found.append({"name": peer.adapter, "fault": f"{' '.join(peer.packages)} could not be installed"})
            continue
        for variant in peer.variants:
            print(f"{peer.adapter}:{variant} …", file=sys.stderr)
            found.append(measured(python, f"{peer.adapter}:{variant}", turns))
    return found


COLUMNS = (
    ("peer", "name", ""),
    ("version", "version", ""),
    ("floor ms", "floor_ms", ".0f"),
    ("p50 ms", "p50_ms", ".0f"),
    ("p95 ms", "p95_ms", ".0f"),
    ("CPU ms a turn", "cpu_ms", ".1f"),
    ("CPU ms, 100 in flight", "cpu_ms_in_flight", ".1f"),
    ("turns/s, 100 in flight", "turns_s", ".0f"),
    ("refusal ms", "refusal_ms", ".0f"),
    ("generator calls in 20 refused turns", "calls_though_refused", ".0f"),
    ("peak MB", "rss_mb", ".0f"),
)


def table(found: list[dict[str, Any]]) -> str:
    """Markdown; p50 is followed by how far it lies over the floor."""
    lines = [[title for title, _, _ in COLUMNS], ["---"] * 2 + ["--:"] * (len(COLUMNS) - 2)]
    for row in found:
        if "fault" in row:
            lines.append([row["name"], row["fault"], *["–"] * (len(COLUMNS) - 2)])
            continue
        cells = [format(row[key], style) for _, key, style in COLUMNS]
        cells[3] += f" (+{max(row['p50_ms'] - row['floor_ms'], 0):.0f})"
        lines.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--envs", type=Path, help="folder of the peers' environments; kept, and used again")
    parser.add_argument("--only", help="adapters, separated by commas")
    parser.add_argument("--turns", type=int, default=20, help="turns one at a time")
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    given = parser.parse_args()
    peers = tuple(peer for peer in PEERS if given.only is None or peer.adapter in given.only.split(","))
    with tempfile.TemporaryDirectory() as passing:
        found = rows(peers, given.envs or Path(passing), given.turns)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    print(table(found))


if __name__ == "__main__":
    main()
