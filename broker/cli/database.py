"""The database as commands use it, beside a broker that may be running.

A running broker looks once a second whether somebody else has written, so what a
command changes counts there within two seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pykka

from actors import keyring, store
from broker.protocol.handshake import MAX_NAME, is_name
from broker.start import StartError
from broker.storage import open_data


class Database(msgspec.Struct, frozen=True):
    """The actors that own what is stored; asking them may block here."""

    writer: pykka.ActorRef[store.Store]
    keys: pykka.ActorRef[keyring.Keyring]
    contents: store.Contents


@contextmanager
def open_database(folder: Path) -> Iterator[Database]:
    """Open the database of a data folder, and write everything before closing.

    Raises:
        StartError: it can not be opened.
    """
    ref = store.Store.start(open_data(folder))
    contents: store.Contents = ref.ask(store.Reload(), block=True)
    keys = keyring.Keyring.start(contents.keys, ref)
    try:
        yield Database(ref, keys, contents)
    finally:
        keys.stop()
        ref.stop()


def client_name(text: str) -> str:
    """Check a clientId given on the command line.

    Raises:
        StartError: it can not be one.
    """
    if not is_name(text):
        raise StartError(
            f"a clientId has 1 to {MAX_NAME} characters, no control characters"
        )
    return text
