"""One service: retries, limits, breaker, and errors that say what happened without saying what was sent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from safelight.errors import ConfigError
from safelight.services import (
    Breaker,
    Endpoint,
    FaultKind,
    Limits,
    Retry,
    Service,
    ServiceFault,
    account_hash,
)
from safelight.testing import FakeClock
from safelight.tests.upstream import Simulator


class Time(FakeClock):
    """A clock on which sleeping is instant."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.advance(seconds)


def fault(kind: FaultKind, **more: Any) -> ServiceFault:
    return ServiceFault("it failed", kind=kind, **more)


def failing(*faults: ServiceFault) -> Any:
    left = list(faults)

    async def send() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return send


def retry(time: Time, **more: Any) -> Retry:
    return Retry(clock=time, sleep=time.sleep, jitter=lambda: 1.0, **more)


class TestRetry:
    async def test_waits_double_and_the_service_is_obeyed(self) -> None:
        time = Time()
        send = failing(fault("unavailable"), fault("unavailable"), fault("rate_limited", retry_after=7.0))
        assert await retry(time).call(send, repeatable=False) == "done"
        assert time.slept == [0.5, 1.0, 7.2]

    @pytest.mark.parametrize("kind", ["timeout", "dropped", "truncated", "malformed", "html", "empty"])
    async def test_what_may_have_been_done_is_not_done_again(self, kind: Any) -> None:
        with pytest.raises(ServiceFault):
            await retry(Time()).call(failing(fault(kind)), repeatable=False)
        assert await retry(Time()).call(failing(fault(kind)), repeatable=True) == "done"

    @pytest.mark.parametrize(
        "kind", ["quota", "unauthorized", "no_such_model", "rejected", "blocked", "refused", "busy"]
    )
    async def test_what_would_end_the_same_is_not_asked_again(self, kind: Any) -> None:
        time = Time()
        with pytest.raises(ServiceFault):
            await retry(time).call(failing(fault(kind)), repeatable=True)
        assert time.slept == []

    async def test_a_wait_past_the_deadline_is_not_begun(self) -> None:
        time = Time()
        with pytest.raises(ServiceFault):
            await retry(time, deadline=5.0).call(failing(fault("rate_limited", retry_after=60.0)), repeatable=True)
        assert time.slept == []


class TestBreaker:
    def test_it_opens_tries_once_and_closes(self) -> None:
        time = FakeClock()
        breaker = Breaker(threshold=2, cooldown=10.0, clock=time)

        def attempt(error: ServiceFault | None = None) -> None:
            with breaker.watching("generator"):
                if error:
                    raise error

        for _ in range(2):
            with pytest.raises(ServiceFault):
                attempt(fault("unavailable"))
        with pytest.raises(ServiceFault) as caught:
            attempt()
        assert (caught.value.kind, caught.value.sent) == ("busy", False)
        time.advance(10.0)
        assert breaker.state == "half_open"
        with pytest.raises(ServiceFault, match="it failed"):
            attempt(fault("unavailable"))
        assert breaker.state == "open"
        time.advance(10.0)
        attempt()
        assert breaker.state == "closed"

    @pytest.mark.parametrize("kind", ["blocked", "rate_limited", "rejected", "quota", "refused"])
    def test_what_speaks_of_the_request_does_not_count(self, kind: Any) -> None:
        breaker = Breaker(threshold=1)
        with pytest.raises(ServiceFault), breaker.watching("generator"):
            raise fault(kind)
        assert breaker.state == "closed"


class TestLimits:
    async def test_no_more_than_so_many_at_once(self) -> None:
        limits, running, most = Limits(3), 0, 0

        async def work() -> None:
            nonlocal running, most
            async with limits.slot():
                running += 1
                most = max(most, running)
                await asyncio.sleep(0)
                running -= 1

        await asyncio.gather(*(work() for _ in range(20)))
        assert most == 3

    async def test_a_rate_is_kept_after_a_burst(self) -> None:
        time = Time()
        limits = Limits(10, per_minute=60, burst=2, clock=time, sleep=time.sleep)
        begun = []
        for _ in range(5):
            async with limits.slot():
                begun.append(time.now)
        assert [at - begun[0] for at in begun] == [0, 0, 1, 2, 3]

    async def test_everybody_waits_when_one_is_told_to(self) -> None:
        time = Time()
        limits = Limits(2, clock=time, sleep=time.sleep)
        limits.pause(4.0)
        async with limits.slot():
            assert time.slept == [4.0]


class TestEndpoint:
    @pytest.mark.parametrize("url", ["ftp://a/v1", "a/v1", "http://user:sk-secret@a/v1", "http://"])
    def test_an_address_that_cannot_be_one_is_named_without_its_password(self, url: str) -> None:
        with pytest.raises(ConfigError) as caught:
            Endpoint("generator", base_url=url, api_key="k")
        assert "sk-secret" not in str(caught.value)

    @pytest.mark.parametrize("number", ["seconds", "attempts", "deadline", "concurrency", "per_minute"])
    def test_limits_that_limit_everything_are_named(self, number: str) -> None:
        more: dict[str, Any] = {number: 0}
        with pytest.raises(ConfigError, match="positive"):
            Endpoint("generator", api_key="k", **more)

    def test_accounts_are_told_apart_and_never_told(self) -> None:
        hashes = {account_hash(name, key) for name in ("ann", "bob") for key in (b"1", b"2")}
        assert len(hashes) == 4
        assert all(len(value) == 64 and "ann" not in value for value in hashes)


class TestWire:
    async def test_a_redirect_carries_the_request_nowhere(self, upstream: Simulator) -> None:
        from safelight.tests.tools.loopback import answer, serving

        moved = answer(b"", status="302 Found", location=f"{upstream.url}/moderations")
        async with serving(moved) as elsewhere:
            service = Service(Endpoint("moderator", base_url=elsewhere.url), retry=Retry(attempts=1))
            with pytest.raises(ServiceFault):
                await service.ask(
                    lambda client: client.moderations.with_streaming_response.create(input="SECRET"), repeatable=True
                )
            await service.aclose()
        assert upstream.count() == 0

    async def test_an_endless_answer_is_cut_off(self, upstream: Simulator) -> None:
        upstream.answer({"text": "x" * 100_000})
        service = Service(Endpoint("reasoner", base_url=upstream.url))
        with pytest.raises(ServiceFault, match="more than") as caught:
            await service.ask(
                lambda client: client.responses.with_streaming_response.create(model="m", input="x"),
                repeatable=False,
                limit=50_000,
            )
        assert caught.value.charged is None
        await service.aclose()

    async def test_a_dead_port_is_named_and_was_never_billed(self) -> None:
        service = Service(Endpoint("generator", base_url="http://127.0.0.1:9/v1"), retry=Retry(attempts=1))
        with pytest.raises(ServiceFault, match="cannot be reached") as caught:
            await service.ask(
                lambda client: client.moderations.with_streaming_response.create(input="x"), repeatable=False
            )
        assert (caught.value.kind, caught.value.sent, caught.value.charged) == ("unreachable", False, False)
        await service.aclose()
