"""The writing of a poll's answer, watched for as long as its peer takes of it.

aiohttp waits for ever for a peer that does not read, and holds the answer meanwhile:
what has left the outbox would be in memory still. Owns nothing; it must never cut a
peer that reads slowly, only one that takes nothing.
"""

from __future__ import annotations

import asyncio

from aiohttp import web


async def write_answer(
    request: web.Request, response: web.StreamResponse, timeout: float
) -> bool:
    """Write an answer; False: its peer took nothing for so long, and was cut."""
    transport = request.transport
    if transport is None:  # the peer has hung up: aiohttp finds out by itself
        return True
    await response.prepare(request)
    writing = asyncio.ensure_future(response.write_eof())
    await asyncio.sleep(0)  # it has written what it can
    try:
        while not writing.done():
            before = transport.get_write_buffer_size()
            await asyncio.wait({writing}, timeout=timeout)
            if not writing.done() and transport.get_write_buffer_size() >= before:
                transport.abort()
                return False
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    return True
