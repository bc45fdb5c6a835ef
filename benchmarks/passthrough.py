"""The references of `server.py`: a bare FastAPI application that makes a run's model calls and passes on what comes.

    python benchmarks/passthrough.py http://127.0.0.1:9099/v1

It keeps nothing and stamps nothing. `/run` asks a model to read the request and to plan, has four images made at once,
and shows each to the model. `/run?judged=1` makes the moderation calls of a run as well, where a run waits for them:
the request beside its reading, thoughts and plan, every image's prompt, picture and text, and the set.
"""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import aiohttp
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

app = FastAPI()
base = sys.argv[1] if len(sys.argv) > 1 else ""
clients: list[aiohttp.ClientSession] = []


@app.post("/run")
async def run(request: Request, judged: bool = False) -> StreamingResponse:
    prompt = (await request.json())["prompt"]

    async def stream() -> AsyncIterator[str]:
        yield _event(type="started")
        reading = _think(f"understand: {prompt}")
        await asyncio.gather(reading, *([_judge(prompt)] if judged else []))
        yield _event(type="understand")
        await _think(f"plan: {prompt}")
        for thought in ("one thought", "another", prompt) if judged else ():
            await _judge(thought)
        yield _event(type="plan")
        pictures = []
        for done in asyncio.as_completed([_picture(prompt, judged) for _ in range(4)]):
            pictures.append(await done)
            yield _event(type="image")
        await asyncio.gather(*(_think(f"review: {prompt}", each) for each in pictures))
        if judged:
            await asyncio.gather(_judge(prompt), *(_judge(prompt, each) for each in pictures))
        yield _event(type="done")

    return StreamingResponse(stream(), media_type="text/event-stream")


async def _picture(prompt: str, judged: bool) -> str:
    if judged:
        await _judge(prompt)
    made = await _call("images/generations", model="simulated", prompt=prompt, size="256x256")
    picture = f"data:image/png;base64,{json.loads(made)['data'][0]['b64_json']}"
    base64.b64decode(picture.partition(",")[2])
    if judged:
        await asyncio.gather(_judge(prompt), _judge(prompt, picture))
    return picture


def _think(text: str, picture: str = "") -> Awaitable[bytes]:
    content: list[dict[str, Any]] = [{"type": "input_text", "text": text}]
    if picture:
        content.append({"type": "input_image", "image_url": picture})
    return _call("responses", model="simulated", input=[{"type": "message", "role": "user", "content": content}])


def _judge(text: str, picture: str = "") -> Awaitable[bytes]:
    asked: list[Any] = [text]
    if picture:
        asked = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": picture}}]
    return _call("moderations", model="simulated", input=asked)


async def _call(path: str, **body: object) -> bytes:
    if not clients:
        clients.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    async with clients[0].post(f"{base}/{path}", json=body, timeout=aiohttp.ClientTimeout(900)) as answer:
        answer.raise_for_status()
        return await answer.read()


def _event(**data: object) -> str:
    return f"data: {json.dumps(data)}\n\n"


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listening])
