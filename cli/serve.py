"""`safelight serve` and the keys to it: `safelight keys create`, `list` and `revoke`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from ..config import Settings, load_settings
from ..errors import ConfigError
from .provenance import keys
from .session import ExitCode, fail, plain, print_json, run

__all__ = ["serve"]


def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen; any host but this machine demands keys.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="On which port; 0 takes a free one.")] = None,
) -> None:
    """Serve the OpenAI-compatible API, the native one, and the pages."""
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    run(_serve(given), loop=_loop())


def _loop() -> Callable[[Coroutine[Any, Any, None]], None]:
    """What runs the server: uvloop where it is installed: it costs less an event."""
    try:
        import uvloop
    except ModuleNotFoundError:
        return asyncio.run
    return uvloop.run


async def _serve(given: dict[str, Any]) -> None:
    settings = load_settings(**given)
    if settings.stamp_processes is None:
        settings = settings.model_copy(update={"stamp_processes": os.cpu_count() or 1})
    try:
        from ..server.auth import is_loopback
        from ..server.serving import configure_logs, listen
        from ..server.serving import serve as serve_on
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The server's parts are not installed ({error.name}): pip install 'safelight[server]'"
        ) from error
    keyless = is_loopback(settings.host) and not settings.require_keys
    if not keyless and not await _usable_keys(settings):
        fail(
            f"On {settings.host} everyone who calls needs a key, and there is none: "
            "make one with `safelight keys create NAME`, or serve this machine alone (--host 127.0.0.1).",
            ExitCode.USAGE,
        )
    sockets = listen(settings)
    address = sockets[0].getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    who = "this machine alone, without keys" if keyless else "whoever holds a key"
    typer.echo(f"Safelight serves http://{shown}:{address[1]} to {who}. Stop with Ctrl+C.", err=True)
    configure_logs()
    await serve_on(settings, sockets)


async def _usable_keys(settings: Settings) -> bool:
    from ..assembly import open_store

    async with open_store(settings) as (store, _):
        now = datetime.now(UTC)
        return any(key.usable(now) for key in await store.api_keys.all())


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Whom or what it is for.")],
    account: Annotated[str, typer.Option(help="Whose runs it sees; the name, where not given.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option(help="generate, moderate, verify, review, metrics; repeat for several.")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Valid for so many days.")] = None,
    rate: Annotated[str, typer.Option(help="Requests, such as 60/minute.")] = "",
    concurrency: Annotated[int | None, typer.Option(min=1, help="Runs at once.")] = None,
    images_per_day: Annotated[int | None, typer.Option(min=0, help="Images in any 24 hours.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object.")] = False,
) -> None:
    """Make a key to the API. It is shown this once."""
    limits = {"rate": rate or None, "concurrency": concurrency, "images_per_day": images_per_day}
    scopes = tuple(scope or ("generate", "moderate", "verify"))
    known = ("generate", "moderate", "verify", "review", "metrics")
    if unknown := [each for each in scopes if each not in known]:
        raise typer.BadParameter(f"{unknown[0]!r} is no scope: name some of {', '.join(known)}")
    kept = {key: value for key, value in limits.items() if value is not None}
    text, made = run(_create(name, account or name, scopes, kept, days))
    if as_json:
        print_json({"key": text, **made})
    else:
        typer.echo(text)


async def _create(
    name: str, account: str, scopes: tuple[str, ...], limits: dict[str, Any], days: int | None
) -> tuple[str, dict[str, Any]]:
    from ..assembly import open_store
    from ..store import pseudonym

    if "rate" in limits:
        _check_rate(limits["rate"])
    async with open_store(load_settings()) as (store, ring):
        owner = pseudonym((await asyncio.to_thread(ring.get, "accounts")).key, account)
        await store.accounts.ensure(owner)
        until = datetime.now(UTC) + timedelta(days=days) if days else None
        text, key = await store.api_keys.create(owner, name, scopes=scopes, limits=limits, expires_at=until)
        return text, _shown(key)


def _check_rate(rate: str) -> None:
    try:
        from limits import parse
    except ModuleNotFoundError as error:
        raise ConfigError("The server's parts are not installed: pip install 'safelight[server]'") from error
    try:
        parse(rate)
    except ValueError:
        raise typer.BadParameter(f"{rate!r} is no rate: write it as 60/minute") from None


@keys.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List the keys to the API; never their secrets."""
    known = run(_list())
    if as_json:
        print_json(known)
        return
    for key in known:
        until = f" until {key['expires_at'][:10]}" if key["expires_at"] else ""
        state = "revoked" if key["revoked_at"] else f"open{until}"
        typer.echo(f"{key['id']}  {plain(key['name'], 40):<24} {','.join(key['scopes']):<28} {state}")


async def _list() -> list[dict[str, Any]]:
    from ..assembly import open_store

    async with open_store(load_settings()) as (store, _):
        return [_shown(key) for key in await store.api_keys.all()]


@keys.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="Its id, as `safelight keys list` shows it.")]) -> None:
    """Let a key open nothing from now on."""
    run(_revoke(key_id))
    typer.echo(f"{plain(key_id, 40)} opens nothing any more.")


async def _revoke(key_id: str) -> None:
    from ..assembly import open_store

    async with open_store(load_settings()) as (store, _):
        await store.api_keys.revoke(key_id)


def _shown(key: Any) -> dict[str, Any]:
    moments = {name: getattr(key, name) for name in ("created_at", "expires_at", "revoked_at")}
    return {
        "id": key.id,
        "name": key.name,
        "account": key.account,
        "scopes": list(key.scopes),
        "limits": key.limits,
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
    }
