"""The services of this process: one an endpoint, shared by every run, closed together."""

from __future__ import annotations

from ..config import Role, Settings
from .endpoint import Endpoint
from .service import Service

__all__ = ["ServicePool"]


class ServicePool:
    """Opens a role's service on first use, and gives the same one ever after: its limits hold over all runs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._services: dict[Endpoint, Service] = {}

    def endpoint(self, role: Role) -> Endpoint:
        """Where a role is served. Raises ConfigError where its address or key cannot work."""
        url, key = self._settings.service_of(role)
        return Endpoint(
            role=role,
            base_url=url,
            api_key=key,
            seconds=self._settings.service_seconds,
            attempts=self._settings.service_attempts,
            deadline=self._settings.service_deadline,
            concurrency=self._settings.service_concurrency,
            per_minute=self._settings.service_per_minute,
        )

    def get(self, role: Role) -> Service:
        """The service of a role. Raises ConfigError as `endpoint` does."""
        endpoint = self.endpoint(role)
        if endpoint not in self._services:
            self._services[endpoint] = Service(endpoint)
        return self._services[endpoint]

    async def aclose(self) -> None:
        """Close every connection."""
        services, self._services = list(self._services.values()), {}
        for service in services:
            await service.aclose()
