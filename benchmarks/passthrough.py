"""The reference of `server.py`: a bare FastAPI application that makes a run's model calls and passes on what comes.

    python benchmarks/passthrough.py http://127.0.0.1:9099/v1

It judges nothing, keeps nothing and stamps nothing: one call that reads the request, one that plans, four images at
once.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator

import httpx2
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

app = FastAPI()
base = sys.argv[1] if len(sys.argv) > 1 else ""
client = httpx2.AsyncClient(timeout=900, limits=httpx2.Limits(max_connections=2000))


@app.post("/run")
async def run(request: Request) -> StreamingResponse:
    prompt = (await request.json())["prompt"]

    async def stream() -> AsyncIterator[str]:
        yield _event(type="started")
        for task in ("understand", "plan"):
            await _call("responses", model="simulated", input=f"{task}: {prompt}")
            yield _event(type=task)
        image = {"model": "simulated", "prompt": prompt, "size": "256x256"}
        for done in asyncio.as_completed([_call("images/generations", **image) for _ in range(4)]):
            await done
            yield _event(type="image")
        yield _event(type="done")

    return StreamingResponse(stream(), media_type="text/event-stream")


async def _call(path: str, **body: object) -> bytes:
    answer = await client.post(f"{base}/{path}", json=body)
    answer.raise_for_status()
    return answer.content


def _event(**data: object) -> str:
    return f"data: {json.dumps(data)}\n\n"


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listening])
