"""The demo's SillyTavern: a barkeeper with a few lines, in two languages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Final

from broker.client import IncomingOrder

PAUSE: Final = 0.03
"""Seconds between two pieces, about as fast as people read."""

_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
_WORDS: Final = re.compile(r"[\u4e00-\u9fff，。！？「」：]|\S+\s*|\s+")

ENGLISH: Final = (
    "Welcome in! You said “{said}”, and I heard every word. I am only the demo's "
    "barkeeper, so this is all I know: your order went through the broker to me, and "
    "each word I say comes back to you the moment I say it. Connect a real "
    "SillyTavern, and you will talk to your own characters this way."
)
CHINESE: Final = (
    "欢迎光临！你说「{said}」，我一字不漏地听到了。我只是演示用的酒保，"
    "知道的就这么多：你的请求经过代理送到我这里，我说的每个字也立刻流回给你。"
    "接上真正的 SillyTavern，你就能这样和自己的角色聊天了。"
)


async def serve_words(order: IncomingOrder) -> AsyncIterator[str]:
    """Answer an order in the language it is in, word by word."""
    said = order.message
    if not said and order.messages:
        said = str(order.messages[-1].get("content", ""))
    answer = CHINESE if _CHINESE.search(said) else ENGLISH
    for piece in _WORDS.findall(answer.format(said=said)):
        yield piece
        await asyncio.sleep(PAUSE)
