"""Fetches an image that a service answered with by address: from that service, and from nowhere else."""

from __future__ import annotations

import asyncio
from urllib.parse import urljoin

from ....services import Service, ServiceFault, fault_of
from ....services.endpoint import origin_of

__all__ = ["download"]

_MOST_BYTES = 64_000_000


async def download(service: Service, url: str) -> bytes:
    """The bytes at an address on the service's own host and port, at most 64 MB, without following redirects.

    An address elsewhere is refused: it is the answer's word, and could point into our own network.

    Raises:
        ServiceFault: malformed (an address elsewhere, too much data), html, or what the transport did.
    """
    endpoint = service.endpoint
    whole = urljoin(endpoint.base_url.rstrip("/") + "/", url)
    try:
        same = origin_of(whole) == endpoint.origin
    except ValueError:
        same = False
    if not same:
        raise ServiceFault(
            f"The {service.role} answered with an image's address on another host, which is not followed. "
            "Ask it for base64 (`inline`).",
            kind="malformed",
        )
    try:
        async with asyncio.timeout(endpoint.seconds):
            return await _get(whole, service)
    except Exception as error:
        raise fault_of(error, service.role) from error


async def _get(url: str, service: Service) -> bytes:
    import httpx2

    key = service.endpoint.api_key
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with (
        httpx2.AsyncClient(follow_redirects=False, timeout=service.endpoint.seconds) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        if response.status_code != 200 or "html" in response.headers.get("content-type", ""):
            raise ServiceFault(
                f"The {service.role} did not give the image at the address that it named ({response.status_code}).",
                kind="empty",
            )
        chunks, size = [], 0
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            if size > _MOST_BYTES:
                raise ServiceFault(f"The {service.role} gave an image of more than 64 MB.", kind="malformed")
            chunks.append(chunk)
    return b"".join(chunks)
