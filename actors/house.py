"""What the actors share: where to find each other, and how long they wait."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pykka

from actors.base import LoopRef
from actors.clock import steady_clock
from actors.directory import Directory
from actors.outbound import Outbound


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Every time and limit the actors keep, in seconds, counts and bytes."""

    reconnect_grace: float = 30
    first_token_timeout: float = 120
    chunk_timeout: float = 60
    request_timeout: float = 1_200
    output_idle_timeout: float = 15
    max_attempts: int = 3
    requests_in_flight: int = 16
    queued_per_extension: int = 256
    members_per_room: int = 10_000
    rooms_per_identity: int = 1_000
    message_text: int = 256 * 1024
    history_per_room: int = 100_000
    context_messages: int = 20
    context_bytes: int = 128 * 1024
    think_after: float = 60
    think_before: float = 300
    gap_chunks: int = 1_000
    gap_bytes: int = 256 * 1024
    answer_limit: int = 8 * 1024 * 1024
    answer_ttl: float = 600
    answer_bytes: int = 64 * 1024 * 1024
    ask_timeout: float = 10
    store_timeout: float = 5
    """Less than that: who waits for the store as well is told of it in time."""


class HouseRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator lets people do."""

    rooms_by_monitors_only: bool = False
    extensions_manage_rooms: bool = True


class House(msgspec.Struct, frozen=True, kw_only=True):
    """The collaborators every actor is started with."""

    directory: Directory
    outbound: Outbound
    patience: Patience
    assignments: LoopRef[Any]
    answers: LoopRef[Any]
    hall: LoopRef[Any]
    store: pykka.ActorRef[Any]
    rules: HouseRules = HouseRules()
    clock: Callable[[], float] = time.time
    """The wall clock, for what people read; durations go by the loop's time."""
    steady: Callable[[], float] = msgspec.field(default_factory=steady_clock)
    """For ends that are stored; goes on evenly where the wall clock jumps."""
    between: Callable[[float, float], float] = random.uniform
    """A number between two, by chance."""
