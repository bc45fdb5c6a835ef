"""The commands, each imported when it is called: `safelight --help` needs none of what they need."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

__all__ = ["app", "main"]

# Name, where it is, and what the list of commands says of it (at most 60 characters).
COMMANDS = {
    "generate": ("generate:generate", "Generate images from a prompt, each moderated and stamped."),
    "check": ("check:check", "Judge a text, an image or a file of prompts."),
    "graph": ("graph:graph", "Draw a graph with its guards, and print its proof."),
    "runs": ("runs:runs", "List runs, newest first."),
    "review": ("runs:review", "Decide on a run that waits for a human reviewer."),
    "serve": ("serve:serve", "Serve the APIs and the pages."),
    "verify": ("provenance:verify", "Tell whether images are ours."),
    "stamp": ("provenance:stamp", "Stamp an image of your own."),
    "doctor": ("doctor:doctor", "Say what is configured, reachable and missing."),
    "keys": ("serve:keys", "Keys that sign, and keys that open the server."),
    "audit": ("audit:audit", "Check the audit ledger, or erase a run's personal content."),
    "eval": ("evaluate:evaluation", "Measure the safety stack, layer by layer."),
}


class _Commands(TyperGroup):
    """The group of commands; one is imported when it is asked for."""

    def list_commands(self, ctx: Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found: Any = getattr(import_module(f".{module}", __package__), attribute)
        if isinstance(found, typer.Typer):
            found.rich_markup_mode = None
            command: Any = typer.main.get_group(found)
        else:
            single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
            single.command(cmd_name)(found)
            command = typer.main.get_command(single)
        command.name = cmd_name
        return command  # type: ignore[no-any-return]

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


app = typer.Typer(
    name="safelight",
    help="An open thinking mode for image generation, in which nothing unmoderated moves.",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        from .. import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> NoReturn:
    """The `safelight` command: runs it, and ends the process.

    Its own threads keep the cores busy: those of a linear algebra library, which wait for their next small product by
    turning in circles, would take a fifth of them. And two things that Python does on its own account are kept short,
    since a command lives for seconds: looking for cycles among the objects that imports make, and taking the whole
    process apart, models and all, before its memory goes back to the system anyway. What was registered to happen at
    exit happens.
    """
    for library in ("OPENBLAS", "OMP", "MKL"):  # read when NumPy is first imported
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    gc.set_threshold(50_000, 20, 20)
    try:
        app()
        code: int | str | None = 0
    except SystemExit as ended:
        code = ended.code
    if isinstance(code, str):
        typer.echo(code, err=True)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever read it has gone, or it was closed
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
