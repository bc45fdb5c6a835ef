"""Counts of what the server did, in Prometheus' text format."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable

__all__ = ["Metrics"]

_BUCKETS = (0.01, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


class Metrics:
    """Requests by route and status, how long they took, runs by status, and what is under way."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: dict[str, list[int]] = {}
        self._totals: Counter[str] = Counter()
        self._runs: Counter[str] = Counter()

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """One answer. Routes are templates, so that their number is bounded."""
        self._requests[method if method.isalpha() and len(method) < 8 else "other", route, status] += 1
        buckets = self._seconds.setdefault(route, [0] * (len(_BUCKETS) + 1))
        buckets[bisect_left(_BUCKETS, seconds)] += 1
        self._totals[route] += int(seconds * 1e6)

    def ended(self, status: str) -> None:
        """One run came to its end."""
        self._runs[status] += 1

    def text(self, under_way: Callable[[], int]) -> str:
        """Everything, as Prometheus reads it."""
        lines = ["# TYPE safelight_requests_total counter"]
        for (method, route, status), count in sorted(self._requests.items()):
            lines.append(f'safelight_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}')
        lines.append("# TYPE safelight_request_seconds histogram")
        for route, buckets in sorted(self._seconds.items()):
            total = 0
            for bound, count in zip((*map(str, _BUCKETS), "+Inf"), buckets, strict=True):
                total += count
                lines.append(f'safelight_request_seconds_bucket{{route="{route}",le="{bound}"}} {total}')
            lines.append(f'safelight_request_seconds_sum{{route="{route}"}} {self._totals[route] / 1e6:.6f}')
            lines.append(f'safelight_request_seconds_count{{route="{route}"}} {total}')
        lines.append("# TYPE safelight_runs_total counter")
        lines += [f'safelight_runs_total{{status="{status}"}} {count}' for status, count in sorted(self._runs.items())]
        lines += ["# TYPE safelight_runs_under_way gauge", f"safelight_runs_under_way {under_way()}"]
        return "\n".join(lines) + "\n"
