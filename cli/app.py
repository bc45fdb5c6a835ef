"""The commands, and what becomes of an error."""

from __future__ import annotations

import typer

from . import audit, check, doctor, evaluate, generate, graph, provenance, runs, serve

__all__ = ["app", "main"]

app = typer.Typer(
    name="safelight",
    help="An open thinking mode for image generation, in which nothing unmoderated moves.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("generate")(generate.generate)
app.command("check")(check.check)
app.command("graph")(graph.graph)
app.command("runs")(runs.runs)
app.command("review")(runs.review)
app.command("serve")(serve.serve)
app.command("verify")(provenance.verify)
app.command("stamp")(provenance.stamp)
app.command("doctor")(doctor.doctor)
app.add_typer(provenance.keys, name="keys")
app.add_typer(audit.audit, name="audit")
app.add_typer(evaluate.evaluation, name="eval")


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        from .. import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """The `safelight` command."""
    app()
