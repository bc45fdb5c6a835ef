"""The commands, each imported when it is called: `safelight --help` needs none of what they need."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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


def main() -> None:
    """The `safelight` command."""
    app()
