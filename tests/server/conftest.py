"""Real servers on loopback: one over scripted parts for a module's tests, others with settings of their own."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import structlog

from safelight.config import Settings
from safelight.server.app import create_app
from safelight.server.serving import Listener, listen
from safelight.server.state import ServerState

HERE = Path(__file__).parent


def load(name: str) -> Any:
    """A module beside this one."""
    spec = importlib.util.spec_from_file_location(f"safelight_test_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPTED = load("scripted")


@dataclass
class Running:
    """A server that runs in a thread of its own."""

    url: str
    settings: Settings
    state: ServerState
    loop: asyncio.AbstractEventLoop
    listener: Listener
    clients: list[openai.OpenAI] = field(default_factory=list)

    def http(self, key: str = "") -> httpx2.Client:
        """A plain client; errors are answers."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    def client(self, key: str = "any", **more: Any) -> openai.OpenAI:
        """OpenAI's own client, strict about what it gets."""
        made = openai.OpenAI(
            base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=30, _strict_response_validation=True, **more
        )
        self.clients.append(made)
        return made

    def key(self, account: str, *, scopes: tuple[str, ...] = ("generate", "moderate", "verify"), **limits: Any) -> str:
        """A new key of that account's."""
        made = self.state.store.api_keys.create(account, account, scopes=scopes, limits=limits)
        return asyncio.run_coroutine_threadsafe(made, self.loop).result(10)[0]

    def calls(self) -> list[str]:
        """The generator's calls, in order."""
        notes = self.settings.home / "calls.txt"
        return notes.read_text().splitlines() if notes.exists() else []


@contextmanager
def running(home: Path, **more: Any) -> Iterator[Running]:
    """A server over scripted parts."""
    settings = Settings(home=home, search=("none",), port=0, concurrency=8, drain_seconds=1, **more)
    app = create_app(settings, assemble=SCRIPTED.scripted)
    sockets = listen(settings)
    listener = Listener(app, settings)
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        await listener.serve(sockets)

    thread = threading.Thread(target=lambda: asyncio.run(work()), daemon=True)
    thread.start()
    port = sockets[0].getsockname()[1]
    while not listener.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.02)
    started = Running(f"http://127.0.0.1:{port}", settings, app.state.server, loops[0], listener)
    try:
        yield started
    finally:
        for client in started.clients:
            client.close()
        listener.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A keyless server."""
    with running(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that demands keys."""
    with running(tmp_path_factory.mktemp("locked"), require_keys=True) as started:
        yield started


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts servers with settings of a test's own; they share a home."""
    from contextlib import ExitStack

    with ExitStack() as exits:
        yield lambda **more: exits.enter_context(running(tmp_path / "home", **more))
