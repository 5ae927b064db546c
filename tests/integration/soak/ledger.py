"""What was said in a room by the acks: the model of its history.

Owns what was sent, what of it was acked, and what may or may not have arrived because
no ack came. Compares that with a history that a broker shows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
"""A message as the broker shows it."""


@dataclass(eq=False, kw_only=True)
class Words:
    """One message of somebody, as far as its author knows."""

    author: str
    number: int
    """Grows from message to message of one author; sent along."""
    texts: set[str]
    """What it may say now; more than one while an edit is in doubt."""
    message_id: str = ""
    acked: bool = False
    deleted: bool | None = False
    """None: perhaps."""
    orphaned: bool = False
    """Sent to a room that was deleted meanwhile: nobody knows where it came."""

    def accept(self, message_id: str) -> None:
        """Take the ack."""
        self.message_id = message_id
        self.acked = not self.orphaned

    @property
    def certain(self) -> bool:
        """Whether it must be there."""
        return self.acked and self.deleted is False


@dataclass(eq=False, kw_only=True)
class Ordered:
    """One order, as far as its requester knows."""

    author: str
    acked: bool = False
    orphaned: bool = False
    answers: Counter[str] | None = None
    """What its reader has read of each output; None: it could not read all."""

    def accept(self) -> None:
        """Take the ack."""
        self.acked = not self.orphaned


@dataclass
class Ledger:
    """All that was said and ordered in one room."""

    words: dict[tuple[str, int], Words] = field(default_factory=dict)
    orders: dict[str, Ordered] = field(default_factory=dict)

    def send(self, author: str, number: int, text: str) -> Words:
        """Note that something is being said."""
        words = Words(author=author, number=number, texts={text})
        self.words[author, number] = words
        return words

    def order(self, author: str, request_id: str) -> Ordered:
        """Note that something is being ordered."""
        ordered = Ordered(author=author)
        self.orders[request_id] = ordered
        return ordered

    def of(self, author: str) -> list[Words]:
        """What somebody has certainly said."""
        return [w for w in self.words.values() if w.author == author and w.certain]

    def clear(self) -> None:
        """The room is gone; what is on its way may still come to the next."""
        self.words = {key: w for key, w in self.words.items() if not w.acked}
        self.orders = {key: o for key, o in self.orders.items() if not o.acked}
        for words in self.words.values():
            words.orphaned = True
        for ordered in self.orders.values():
            ordered.orphaned = True

    # -- beside a history

    def differences(self, history: Iterable[Body]) -> Iterator[str]:
        """What a history has that was not said, and what it lacks."""
        spoken: defaultdict[tuple[str, int], list[Body]] = defaultdict(list)
        last: Counter[str] = Counter()
        requests: Counter[str] = Counter()
        answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for body in history:
            if body.get("fromLlm"):
                answers[body["requestId"]][body["data"]] += 1
            elif "requestId" in body:
                requests[body["requestId"]] += 1
            elif "number" in body:
                author, number = body["identity"], body["number"]
                spoken[author, number].append(body)
                if number <= last[author]:
                    yield f"{author} {number} comes after {last[author]}"
                last[author] = number
        yield from self._wrong_words(spoken)
        yield from self._wrong_orders(requests, answers)

    def adopt(self, history: Iterable[Body]) -> None:
        """End all doubt: what is there was said, what is not was not."""
        there = {(b["identity"], b["number"]): b for b in history if "number" in b}
        for key, words in self.words.items():
            body = there.get(key)
            words.deleted = body is None
            words.acked = True
            if body is not None:
                words.message_id, words.texts = body["messageId"], {body["data"]}
        requests = {body.get("requestId") for body in history}
        for request_id, ordered in self.orders.items():
            ordered.acked = ordered.acked or request_id in requests

    def _wrong_words(self, spoken: dict[tuple[str, int], list[Body]]) -> Iterator[str]:
        for author, number in spoken.keys() - self.words.keys():
            yield f"{author} never said {number}"
        for key, words in self.words.items():
            bodies = spoken.get(key, [])
            what = f"{words.author} {words.number} ({words.message_id})"
            if len(bodies) > 1:
                yield f"{what} is there {len(bodies)} times"
            elif not bodies:
                if words.certain:
                    yield f"{what} is lost"
            elif words.deleted:
                yield f"{what} was deleted and is there"
            elif bodies[0]["data"] not in words.texts:
                yield f"{what} says {bodies[0]['data']!r}, not {words.texts}"
            elif words.message_id not in ("", bodies[0]["messageId"]):
                yield f"{what} has the id {bodies[0]['messageId']}"

    def _wrong_orders(
        self, requests: Counter[str], answers: dict[str, Counter[str]]
    ) -> Iterator[str]:
        for request_id in requests.keys() - self.orders.keys():
            if not request_id.startswith(("think-", "held-")):
                yield f"nobody ordered {request_id}"
        for request_id, ordered in self.orders.items():
            times = requests[request_id]
            if times > 1 or (ordered.acked and not times):
                yield f"order {request_id} is there {times} times"
            read, kept = ordered.answers, answers[request_id]
            if read is not None and read != kept:
                yield f"order {request_id}: {read} was read, {kept} is kept"
