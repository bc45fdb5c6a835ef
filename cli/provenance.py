"""`safelight verify`, `safelight stamp` and `safelight keys`: whose image is this, and how would one know."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from ..config import load_settings
from ..errors import BadInput, StoreError
from .session import ExitCode, fail, plain, print_json, read_file, run

__all__ = ["keys", "stamp", "verify"]

keys = typer.Typer(help="The keys that sign images and clearances, and those that open the API.", no_args_is_help=True)

_SECRETS = ("clearance", "ledger", "watermark")
_SAYS = {
    "ours": "Ours.",
    "probably_ours": "Probably ours.",
    "other_generator": "Made by another generator that says so.",
    "no_evidence": "No evidence. That does not mean that it is not ours, nor that no generator made it.",
}


def verify(
    images: Annotated[list[Path], typer.Argument(help="The images to look at.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object an image, each on a line.")] = False,
) -> None:
    """Tell whether images are ours: by manifest, watermark and fingerprint, and how sure that is."""
    if run(_verify(images, as_json)):
        raise typer.Exit(int(ExitCode.FAILURE))


def _show_answer(path: Path, answer: dict[str, Any]) -> None:
    if "error" in answer:
        typer.echo(f"{path}: {plain(answer['error'])}", err=True)
        return
    typer.echo(f"{path}: {_SAYS[answer['verdict']]}")
    for leg, evidence in answer["legs"].items():
        said = {
            name: value for name, value in evidence["detail"].items() if name != "edits" and value not in ([], None)
        }
        detail = ", ".join(f"{name.replace('_', ' ')}: {_spoken(value)}" for name, value in said.items())
        typer.echo(f"  {leg:<12} {evidence['state']:<12} {plain(detail, 300)}".rstrip())
        if evidence["limits"]:
            typer.echo(f"    {plain(evidence['limits'], 300)}")
        for edit in evidence["detail"].get("edits", ()):
            by = f" with {edit['agent']}" if edit["agent"] else ""
            typer.echo(f"    {plain(edit['action'] + by + ', signed by ' + edit['signer'], 200)}")
    for change in answer["changes"]:
        typer.echo(f"  changed      {plain(change)}")
    if answer["run_id"]:
        typer.echo(f"  run          {plain(answer['run_id'], 200)}")


def _spoken(value: Any) -> str:
    """A detail as one reads it: numbers to three digits, lists and tables without brackets."""
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')} {_spoken(each)}" for name, each in value.items())
    if isinstance(value, list):
        return "; ".join(map(_spoken, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


async def _verify(images: list[Path], as_json: bool) -> int:
    """Tells of each image as soon as it was looked at; returns of how many nothing could be told."""
    from ..assembly import open_store
    from ..provenance.stamper import open_stamper

    settings = load_settings()
    async with open_store(settings) as (store, _):
        stamper = await open_stamper(settings, store)

        async def answer(path: Path) -> dict[str, Any]:
            try:
                return (await stamper.assess(await read_file(path))).model_dump(mode="json")
            except BadInput as error:  # one bad file keeps no answer about the others back
                return {"error": str(error)}

        failed = 0
        for path in images:
            said = await answer(path)
            failed += "error" in said
            if as_json:
                print_json({"path": str(path), **said}, pretty=False)
            else:
                _show_answer(path, said)
        return failed


def stamp(
    image: Annotated[Path, typer.Argument(help="An image of your own (PNG, JPEG, WebP or AVIF).")],
    out: Annotated[Path, typer.Option(help="Where the stamped image goes.")],
    title: Annotated[str, typer.Option(help="A title for its manifest.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the stamp as JSON.")] = False,
) -> None:
    """Stamp an image of your own: watermark, Content Credentials, fingerprint."""
    if out.resolve() == image.resolve():
        fail("--out must name another file: the original is kept.", ExitCode.USAGE)
    made = run(_stamp(image, out, title))
    if as_json:
        print_json({"path": str(out), **made})
    else:
        typer.echo(f"{out}: stamped as {made['image_id']}{' (development certificate)' if made['development'] else ''}")


async def _stamp(image: Path, out: Path, title: str) -> dict[str, Any]:
    from ..assembly import open_store
    from ..media import sniff
    from ..provenance.stamp import StampFacts
    from ..provenance.stamper import open_stamper

    data = await read_file(image)
    media_type = sniff(data)
    if media_type is None:
        raise BadInput(f"{image} is not an image that can be stamped: PNG, JPEG, WebP and AVIF can.")
    settings = load_settings()
    async with open_store(settings) as (store, _):
        stamper = await open_stamper(settings, store)
        facts = StampFacts(
            run_id="operator",
            model="operator",
            algorithmic=True,
            title=title or image.stem,
            parents=(data,),
            adopted=True,
        )
        stamped, made = await stamper.stamp(data, media_type, facts)
        await store.ledger.append(
            "stamp", run_id="operator", payload={"sha256": made.sha256, "image_id": made.image_id}
        )
    try:
        await asyncio.to_thread(out.write_bytes, stamped)
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror}.") from error
    return made.model_dump(mode="json")


@keys.command("show")
def show(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False) -> None:
    """Show which keys are in use; never the secrets."""
    known = run(_show())
    if as_json:
        print_json(known)
        return
    signing, warnings = known.pop("signing"), known.pop("warnings")
    for name, value in signing.items():
        typer.echo(f"signing {name:<12} {plain(str(value), 300)}")
    for name, current in known.items():
        typer.echo(f"{name:<20} {current}")
    for warning in warnings:
        typer.echo(f"note: {warning}", err=True)


async def _show() -> dict[str, Any]:
    from ..assembly import open_store
    from ..provenance.stamper import open_stamper

    settings = load_settings()
    async with open_store(settings) as (store, ring):
        identity = (await open_stamper(settings, store)).identity
        current = {name: ring.get(name).current for name in _SECRETS}
        return {"signing": identity.describe(), "warnings": list(identity.warnings()), **current}


@keys.command("rotate")
def rotate(name: Annotated[str, typer.Argument(help="signing, watermark, clearance or ledger.")]) -> None:
    """Make a new key the current one; what earlier keys signed or marked is still recognized."""
    if name == "signing":
        typer.echo(f"signing: the development chain that expires on {run(_rotate_chain())} signs from now on")
    elif name in _SECRETS:
        typer.echo(f"{name}: {run(_rotate(name))} signs from now on")
    else:
        raise typer.BadParameter(f"name one of: signing, {', '.join(_SECRETS)}")


async def _rotate(name: str) -> str:
    from ..assembly import open_store

    async with open_store(load_settings()) as (_, ring):
        return (await asyncio.to_thread(ring.rotate, name)).current


async def _rotate_chain() -> str:
    from ..assembly import open_store
    from ..provenance.stamper import open_stamper

    settings = load_settings()
    async with open_store(settings) as (store, _):
        identity = (await open_stamper(settings, store)).identity
        if not identity.is_development:
            raise BadInput(
                "A certificate of an authority signs here, which only that authority can renew: put the new one into "
                "SAFELIGHT_CERTIFICATE and SAFELIGHT_PRIVATE_KEY, the old one into SAFELIGHT_RETIRED_CERTIFICATES."
            )
        await asyncio.to_thread(identity.rotate_development, settings.keys_dir)
        return str((await open_stamper(settings, store)).identity.describe()["expires"])[:10]
