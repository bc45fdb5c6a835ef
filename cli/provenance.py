"""`safelight verify`, `safelight stamp` and `safelight keys`: whose image is this, and how would one know."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from ..config import load_settings
from ..errors import BadFile, BadInput, StoreError
from .session import ExitCode, fail, plain, print_json, run

__all__ = ["keys", "stamp", "verify"]

keys = typer.Typer(help="The keys that sign images and clearances, and those that open the API.", no_args_is_help=True)

_SAYS = {
    "ours": "Ours.",
    "probably_ours": "Probably ours.",
    "other_generator": "Made by another generator that says so.",
    "no_evidence": "No evidence. That does not mean that it is not ours, nor that no generator made it.",
}


def verify(
    images: Annotated[list[Path], typer.Argument(help="The images to look at.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object an image.")] = False,
) -> None:
    """Tell whether images are ours: by manifest, watermark and fingerprint, and how sure that is."""
    for path, assessment in zip(images, run(_verify(images)), strict=True):
        if as_json:
            print_json({"path": str(path), **assessment})
            continue
        typer.echo(f"{path}: {_SAYS[assessment['verdict']]}")
        for leg, evidence in assessment["legs"].items():
            detail = ", ".join(f"{name}: {value}" for name, value in evidence["detail"].items())
            typer.echo(f"  {leg:<12} {evidence['state']:<12} {plain(detail, 300)}")
        for change in assessment["changes"]:
            typer.echo(f"  changed      {plain(change)}")
        if assessment["run_id"]:
            typer.echo(f"  run          {assessment['run_id']}")


async def _verify(images: list[Path]) -> list[dict[str, Any]]:
    from ..assembly import open_store
    from ..provenance.stamper import open_stamper

    settings = load_settings()
    async with open_store(settings) as (store, _):
        stamper = await open_stamper(settings, store)
        return [(await stamper.assess(await _read(path))).model_dump(mode="json") for path in images]


def stamp(
    image: Annotated[Path, typer.Argument(help="An image of your own (PNG, JPEG or WebP).")],
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

    data = await _read(image)
    media_type = sniff(data)
    if media_type not in {"image/png", "image/jpeg", "image/webp"}:
        raise BadInput(f"{image} is {media_type or 'not an image'}; PNG, JPEG and WebP can be stamped.")
    settings = load_settings()
    async with open_store(settings) as (store, _):
        stamper = await open_stamper(settings, store)
        facts = StampFacts(
            run_id="operator", model="operator", algorithmic=True, title=title or image.stem, parents=(data,)
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
    for name, value in known.pop("signing").items():
        typer.echo(f"signing {name:<12} {plain(str(value), 300)}")
    for name, current in known.items():
        typer.echo(f"{name:<20} {current}")


async def _show() -> dict[str, Any]:
    from ..assembly import open_store
    from ..provenance.stamper import open_stamper

    settings = load_settings()
    async with open_store(settings) as (store, ring):
        stamper = await open_stamper(settings, store)
        current = {name: ring.get(name).current for name in ("clearance", "ledger")}
        return {"signing": stamper.identity.describe(), **current}


@keys.command("rotate")
def rotate(name: Annotated[str, typer.Argument(help="clearance or ledger.")]) -> None:
    """Make a new key the current one; what earlier keys signed stays valid."""
    if name not in {"clearance", "ledger"}:
        raise typer.BadParameter("name one of: clearance, ledger")
    typer.echo(f"{name}: {run(_rotate(name))} signs from now on")


async def _rotate(name: str) -> str:
    from ..assembly import open_store

    async with open_store(load_settings()) as (_, ring):
        return (await asyncio.to_thread(ring.rotate, name)).current


async def _read(path: Path) -> bytes:
    try:
        return await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error
