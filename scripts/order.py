"""Order one answer from the command line and print it as it comes.

Run ``python scripts/order.py "Tell me a story"`` beside a broker.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from broker.client import TapsterClient, TapsterError


async def order(options: argparse.Namespace) -> None:
    """Place the order and print the pieces of its answer."""
    async with TapsterClient(
        options.url, client_id=options.client_id, key=options.key
    ) as bar:
        async for piece in bar.order(options.text, target=options.target):
            print(piece, end="", flush=True)
        print()


def main() -> int:
    """Read the command line, order, and say what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("text", help="what to say")
    parser.add_argument("--url", default="http://127.0.0.1:4000")
    parser.add_argument("--client-id", default="demo")
    parser.add_argument("--key", default="getKey", help="the client's key")
    parser.add_argument("--target", help="a SillyTavern, if not any")
    try:
        asyncio.run(order(parser.parse_args()))
    except TapsterError as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
