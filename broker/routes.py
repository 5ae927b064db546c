"""Reading ``settings/routes.json``, the operator's routing rules.

What the rules mean is ``actors.routing``'s to say. Here they are read whole or not at
all: one bad rule refuses the file, with its line, and the rules before it stay.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.routing import MAX_RULES, NO_RULES, Rule, Rulebook, Words
from broker.config import SettingsError
from broker.settings_file import decode_json, read_bytes

logger = logging.getLogger(__name__)

ROUTES_FILE: Final = "routes.json"

_UNKNOWN_FIELD: Final = re.compile(r"unknown field `(.*?)`")
_PATH: Final = re.compile(r"at `\$\.([\w.]+)")


class RoutesFile:
    """The file in a settings folder, and the rules in force."""

    def __init__(self, folder: Path) -> None:
        """Begin without rules; ``read`` or ``refresh`` follows."""
        self.path = folder / ROUTES_FILE
        self._stamp: tuple[int, int] | None = None
        self.rules = NO_RULES
        self.error: str | None = None
        """What is wrong with the file since it has last changed."""

    def read(self) -> None:
        """Take the rules of the file, if it has changed; without a file, none.

        Raises:
            SettingsError: it can not be used. The rules before it stay, and nothing
                is said a second time before it has changed again.
        """
        stamp = _stamp_of(self.path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self.rules = NO_RULES if stamp is None else read_routes(self.path)
        except SettingsError as error:
            self.error = str(error)
            raise
        self.error = None
        logger.info("%s: %d routing rules", self.path, len(self.rules.rules))

    def refresh(self) -> None:
        """The same while the broker runs: a file that can not be used is a warning."""
        try:
            self.read()
        except SettingsError as error:
            logger.warning("%s; the routing rules stay as they were", error)


def read_routes(path: Path) -> Rulebook:
    """Read a file of routing rules.

    Raises:
        SettingsError: it can not be used: which rule in which line, and why.
    """
    text = read_bytes(path)
    values = decode_json(path, text)
    if not isinstance(values, list):
        raise SettingsError(f"{path}: must be a list of rules in brackets")
    if len(values) > MAX_RULES:
        raise SettingsError(f"{path}: {len(values)} rules, at most {MAX_RULES} may be")
    rules = []
    end = 0
    pieces = msgspec.json.decode(text, type=list[msgspec.Raw])
    for number, piece in enumerate(map(bytes, pieces), start=1):
        # Between two rules there is nothing that a rule could begin with.
        start = text.index(piece, end)
        end = start + len(piece)
        try:
            rules.append(_decode_rule(piece))
        except msgspec.ValidationError as error:
            line = text.count(b"\n", 0, start + _place_of(error, piece)) + 1
            raise SettingsError(
                f"{path}, line {line}: rule {number}: {error}"
            ) from error
    return Rulebook(tuple(rules))


def _stamp_of(path: Path) -> tuple[int, int] | None:
    """What tells that a file has changed; None: there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size


def _words(_kind: type[Any], value: Any) -> Words:
    """The texts of a match: one, or a list; numbers are what they are written as."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) or type(each) is int for each in values):
        raise ValueError("expected a text, a number or a list of these")
    return Words(map(str, values))


_decode_rule: Final = msgspec.json.Decoder(Rule, dec_hook=_words).decode


def _place_of(error: msgspec.ValidationError, rule: bytes) -> int:
    """Where in a rule the field stands that an error speaks of."""
    path, unknown = _PATH.search(str(error)), _UNKNOWN_FIELD.search(str(error))
    names = path.group(1).split(".") if path else []
    if unknown:
        names.append(unknown.group(1))
    place = 0
    for name in names:
        quoted = re.escape(msgspec.json.encode(name))
        found = re.compile(quoted + rb"\s*:").search(rule, place)
        if found is not None:
            place = found.start()
    return place
