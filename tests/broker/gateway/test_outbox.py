"""What waits to be written, and to whom nothing more is written."""

from __future__ import annotations

import asyncio

import pytest

from broker.gateway.outbox import HIGH_WATER, POLLED_FRAMES, Flusher, Limits, Outbox
from broker.protocol.packet import ENGINE_NOOP, frame

from .fakes import ENOUGH, MS, FakeSink, frames_of, split, turns

LIMIT = 1 << 20
BIG = frame(b"x" * (HIGH_WATER + 1))


class Desk:
    """An outbox, its flusher, and how often it overflowed."""

    def __init__(self, limit: int = LIMIT, write_timeout: float = ENOUGH) -> None:
        self.flusher = Flusher()
        self.overflows = 0
        self.stalled = asyncio.Event()
        limits = Limits(limit, write_timeout)
        self.outbox = Outbox(self.flusher, limits, self._overflow, self.stalled.set)
        self.sink = FakeSink()

    def _overflow(self) -> None:
        self.overflows += 1
        self.outbox.close()

    def attach(self) -> None:
        """Go over to a WebSocket."""
        self.outbox.attach(self.sink)

    async def block(self) -> None:
        """Have the peer read nothing."""
        self.sink.stuck = True
        self.outbox.push(BIG)
        await turns()
        assert self.outbox.blocked

    async def unblock(self) -> None:
        """Have the peer read everything."""
        self.sink.stuck = False
        self.sink.take_all()
        await turns()


@pytest.fixture
async def desk() -> Desk:
    """An outbox without a transport yet."""
    return Desk()


def framed(*texts: str) -> list[bytes]:
    """Texts as frames."""
    return [frame(text.encode()) for text in texts]


# -- to a WebSocket


async def test_frames_of_one_turn_leave_in_one_write(desk: Desk) -> None:
    """A system call each would cost more than the frames."""
    desk.attach()
    for each in framed("a", "b", "c"):
        desk.outbox.push(each)
    await turns()

    assert desk.sink.writes == [b"".join(framed("a", "b", "c"))]


async def test_frames_of_two_turns_leave_in_two_writes(desk: Desk) -> None:
    """Nothing waits for what may come."""
    desk.attach()
    desk.outbox.push(frame(b"a"))
    await turns()
    desk.outbox.push(frame(b"b"))
    await turns()

    assert desk.sink.writes == framed("a", "b")


async def test_one_flush_serves_all_outboxes_of_a_turn(desk: Desk) -> None:
    """Fan-out to a thousand readers is one callback."""
    other = Outbox(desk.flusher, Limits(LIMIT, ENOUGH), lambda: None, lambda: None)
    sink = FakeSink()
    other.attach(sink)
    desk.attach()
    desk.outbox.push(frame(b"a"))
    other.push(frame(b"b"))
    await turns(1)

    assert (desk.sink.writes, sink.writes) == (framed("a"), framed("b"))


async def test_nothing_is_written_where_nothing_is_to_be_said(desk: Desk) -> None:
    """A flush of an empty outbox is none."""
    desk.attach()
    desk.outbox.flush()

    assert desk.sink.writes == []


async def test_peer_that_keeps_up_does_not_block(desk: Desk) -> None:
    """Only what stays in the buffer counts."""
    desk.attach()
    desk.outbox.push(BIG)
    await turns()

    assert not desk.outbox.blocked


async def test_buffer_above_high_water_blocks(desk: Desk) -> None:
    """Section 5: above the high-water mark, chunks are held."""
    desk.attach()
    await desk.block()
    desk.outbox.push(frame(b"later"))
    await turns()

    assert split(b"".join(desk.sink.writes)) == frames_of([BIG])


async def test_buffer_at_high_water_does_not_block(desk: Desk) -> None:
    """Section 5: *above* the mark."""
    desk.attach()
    desk.sink.stuck = True
    desk.outbox.push(b"x" * HIGH_WATER)
    await turns()

    assert not desk.outbox.blocked


async def test_blocked_outbox_writes_all_in_one_when_it_drains(desk: Desk) -> None:
    """Section 5: sent when it drains."""
    desk.attach()
    await desk.block()
    for each in framed("a", "b"):
        desk.outbox.push(each)
    await desk.unblock()

    assert not desk.outbox.blocked
    assert desk.sink.writes[1:] == [b"".join(framed("a", "b"))]


async def test_whoever_waits_is_called_once_when_it_drains(desk: Desk) -> None:
    """A reader that holds chunks asks again when it has to."""
    calls: list[bool] = []
    desk.attach()
    await desk.block()

    def ready() -> None:
        calls.append(desk.outbox.blocked)

    desk.outbox.when_ready(ready)
    desk.outbox.when_ready(ready)
    await desk.unblock()
    await desk.block()
    await desk.unblock()

    assert calls == [False]


async def test_what_is_pushed_when_it_drains_goes_with_the_rest(desk: Desk) -> None:
    """What was held goes behind what waited, in the same write."""
    desk.attach()
    await desk.block()
    desk.outbox.push(frame(b"a"))
    desk.outbox.when_ready(lambda: desk.outbox.push(frame(b"held")))
    await desk.unblock()

    assert desk.sink.writes[1:] == [b"".join(framed("a", "held"))]


async def test_outbox_can_block_again_and_waits_once(desk: Desk) -> None:
    """A slow peer costs one task, however often it falls behind."""
    desk.attach()
    await desk.block()
    for _ in range(3):
        desk.outbox.push(BIG)
        desk.sink.take_all()
        await turns()

    assert desk.outbox.blocked
    assert desk.sink.drains == 1


async def test_blocked_peer_gets_no_more_than_it_drained_for(desk: Desk) -> None:
    """One drain lets one write through; the next waits for the next."""
    desk.attach()
    await desk.block()
    desk.outbox.push(BIG)
    desk.outbox.when_ready(lambda: desk.outbox.when_ready(again))

    def again() -> None:
        desk.outbox.push(BIG)

    desk.sink.take_all()
    await turns()

    assert len(desk.sink.writes) == 2


async def test_more_than_the_limit_overflows(desk: Desk) -> None:
    """Section 9: outbox 4 MiB per socket, then the socket is closed."""
    desk.attach()
    await desk.block()
    desk.outbox.push(b"x" * LIMIT)
    await turns()
    before = desk.overflows
    desk.outbox.push(b"x")
    await turns()

    assert (before, desk.overflows) == (0, 1)


async def test_outbox_that_writes_does_not_overflow(desk: Desk) -> None:
    """The limit is of what waits, not of what is said."""
    desk.attach()
    desk.outbox.push(b"x" * (LIMIT + 1))
    await turns()

    assert desk.overflows == 0


async def test_held_bytes_count_for_the_limit(desk: Desk) -> None:
    """Section 9: memory is bounded, wherever the text waits."""
    desk.attach()
    await desk.block()
    desk.outbox.count_held(LIMIT)
    before = desk.overflows
    desk.outbox.count_held(1)

    assert (before, desk.overflows) == (0, 1)


async def test_held_bytes_count_no_more_when_they_are_given_back(desk: Desk) -> None:
    """What was held has been written, and can be held again."""
    desk.attach()
    for _ in range(3):
        await desk.block()
        desk.outbox.count_held(LIMIT - len(BIG))
        desk.outbox.when_ready(lambda: desk.outbox.count_held(len(BIG) - LIMIT))
        await desk.unblock()

    assert desk.overflows == 0


async def test_bytes_that_wait_for_acks_count_while_the_socket_drains(
    desk: Desk,
) -> None:
    """A peer may read all that is written, and acknowledge none of it."""
    desk.attach()
    desk.outbox.count_held(LIMIT)
    await desk.block()
    await desk.unblock()
    before = desk.overflows
    desk.outbox.count_held(1)

    assert (before, desk.overflows) == (0, 1)


async def test_peer_that_takes_nothing_is_cut() -> None:
    """Section 9: a socket that takes nothing for 10 s is cut."""
    desk = Desk(write_timeout=5 * MS)
    desk.attach()
    await desk.block()
    async with asyncio.timeout(ENOUGH):
        await desk.sink.aborted.wait()

    assert desk.flusher.cut == 1


async def test_peer_that_takes_a_little_is_not_cut() -> None:
    """Section 9: *nothing* for 10 s; a slow reader is a reader."""
    desk = Desk(write_timeout=5 * MS)
    desk.attach()
    looks = asyncio.Event()
    left = iter(range(HIGH_WATER * 2, 0, -1_000))

    def unwritten() -> int:
        size = next(left)
        if size < HIGH_WATER * 2 - 10_000:
            looks.set()
        return size

    desk.sink.unwritten = unwritten  # type: ignore[method-assign]
    desk.outbox.push(BIG)
    async with asyncio.timeout(ENOUGH):
        await looks.wait()

    assert not desk.sink.aborted.is_set()
    desk.outbox.close()


async def test_lost_peer_ends_the_waiting(desk: Desk) -> None:
    """Its connection's own end tells the rest."""
    desk.sink.broken = True
    desk.attach()
    await desk.block()

    assert not desk.sink.aborted.is_set()
    assert desk.sink.drains == 0


async def test_closed_outbox_writes_nothing_more(desk: Desk) -> None:
    """Nothing is written to who is gone, and nobody is called."""
    desk.attach()
    desk.outbox.push(frame(b"a"))
    desk.outbox.when_ready(lambda: pytest.fail("called"))
    desk.outbox.close()
    desk.outbox.push(frame(b"b"))
    await turns()

    assert desk.outbox.closed
    assert desk.sink.writes == []


async def test_closing_ends_the_waiting_for_a_slow_peer(desk: Desk) -> None:
    """No task outlives its connection."""
    desk.attach()
    await desk.block()
    desk.outbox.close()
    await turns()

    assert desk.sink.drains == 0


# -- to a poll


async def test_poll_takes_what_waits_at_once(desk: Desk) -> None:
    """A poll is answered with what there is."""
    for each in framed("a", "b"):
        desk.outbox.push(each)

    assert await desk.outbox.poll(ENOUGH) == framed("a", "b")


async def test_poll_waits_for_what_comes(desk: Desk) -> None:
    """Long-polling is long."""
    polling = asyncio.create_task(desk.outbox.poll(ENOUGH))
    await turns()
    waiting = desk.outbox.polled
    for each in framed("a", "b"):
        desk.outbox.push(each)

    assert waiting
    assert await polling == framed("a", "b")
    assert not desk.outbox.polled


async def test_poll_that_waits_too_long_is_answered_with_nothing(desk: Desk) -> None:
    """A proxy would otherwise answer it with an error."""
    assert await desk.outbox.poll(MS) == []
    assert not desk.outbox.polled


async def test_poll_given_up_by_its_client_is_forgotten(desk: Desk) -> None:
    """The next poll takes what that one did not."""
    polling = asyncio.create_task(desk.outbox.poll(ENOUGH))
    await turns()
    polling.cancel()
    await turns()
    desk.outbox.push(frame(b"a"))

    assert not desk.outbox.polled
    assert await desk.outbox.poll(ENOUGH) == framed("a")


async def test_poll_takes_sixteen_frames_and_leaves_the_rest(desk: Desk) -> None:
    """Python clients give up on more than 16 packets in one payload."""
    frames = framed(*(str(number) for number in range(40)))
    for each in frames:
        desk.outbox.push(each)
    polls = [await desk.outbox.poll(ENOUGH) for _ in range(3)]

    assert [len(poll) for poll in polls] == [POLLED_FRAMES, 16, 8]
    assert [each for poll in polls for each in poll] == frames


async def test_much_that_waits_for_a_poll_blocks_until_it_is_taken(desk: Desk) -> None:
    """Section 5 holds for polling too."""
    calls: list[str] = []
    desk.outbox.push(BIG)
    await turns()
    blocked = desk.outbox.blocked
    desk.outbox.when_ready(lambda: calls.append("ready"))
    await desk.outbox.poll(ENOUGH)

    assert blocked
    assert not desk.outbox.blocked
    assert calls == ["ready"]


async def test_held_bytes_do_not_keep_a_poll_blocked(desk: Desk) -> None:
    """A slow reader that has read all gets what was held, however much that is."""
    desk.outbox.push(BIG)
    await turns()
    desk.outbox.count_held(2 * HIGH_WATER)
    desk.outbox.when_ready(lambda: desk.outbox.push(frame(b"held")))
    await desk.outbox.poll(ENOUGH)

    assert await desk.outbox.poll(10 * MS) == framed("held")


async def test_unpolled_outbox_overflows(desk: Desk) -> None:
    """Section 9 holds for who does not come to poll."""
    desk.outbox.push(b"x" * LIMIT)
    await turns()
    before = desk.overflows
    desk.outbox.push(b"x")
    await turns()

    assert (before, desk.overflows) == (0, 1)


async def test_peer_that_does_not_come_for_much_is_cut() -> None:
    """Section 9: who takes nothing for 10 s, by polling too."""
    desk = Desk(write_timeout=5 * MS)
    desk.outbox.push(BIG)
    async with asyncio.timeout(ENOUGH):
        await desk.stalled.wait()

    assert desk.flusher.cut == 1


async def test_peer_that_lets_a_little_wait_is_not_cut() -> None:
    """Between two polls there is always a while; the pings see to the rest."""
    desk = Desk(write_timeout=MS)
    desk.outbox.push(frame(b"a"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(20 * MS):
            await desk.stalled.wait()

    assert desk.flusher.cut == 0


async def test_peer_that_keeps_polling_is_not_cut() -> None:
    """However much waits: each poll begins the time anew."""
    desk = Desk(limit=16 * LIMIT, write_timeout=200 * MS)
    for _ in range(3 * POLLED_FRAMES):
        desk.outbox.push(BIG)
    await turns()
    begun = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(120 * MS):
            await desk.stalled.wait()
    await desk.outbox.poll(ENOUGH)
    async with asyncio.timeout(ENOUGH):
        await desk.stalled.wait()

    assert asyncio.get_running_loop().time() - begun >= 300 * MS


async def test_peer_that_reads_its_answer_slowly_is_not_cut() -> None:
    """It can not poll while it reads; who writes the answer watches that."""
    desk = Desk(write_timeout=MS)
    desk.outbox.answering = True
    desk.outbox.push(BIG)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(20 * MS):
            await desk.stalled.wait()
    desk.outbox.answering = False
    async with asyncio.timeout(ENOUGH):
        await desk.stalled.wait()

    assert desk.flusher.cut == 1


async def test_closed_outbox_cuts_nobody() -> None:
    """The connection has ended in another way."""
    desk = Desk(write_timeout=MS)
    desk.outbox.push(BIG)
    await turns()
    desk.outbox.close()
    desk.outbox.cut()

    assert desk.flusher.cut == 0


async def test_upgrade_releases_a_waiting_poll_with_a_noop(desk: Desk) -> None:
    """Engine.IO 4: the server sends a noop, so that the poll ends."""
    polling = asyncio.create_task(desk.outbox.poll(ENOUGH))
    await turns()
    desk.outbox.release_poll()

    assert await polling == [frame(ENGINE_NOOP)]


async def test_release_without_a_poll_does_nothing(desk: Desk) -> None:
    """There may be none at the moment."""
    desk.outbox.release_poll()
    desk.outbox.push(frame(b"a"))

    assert await desk.outbox.poll(ENOUGH) == framed("a")


async def test_what_was_not_polled_goes_to_the_websocket(desk: Desk) -> None:
    """Section 1: the upgrade loses nothing."""
    for each in framed("a", "b"):
        desk.outbox.push(each)
    desk.attach()

    assert desk.sink.writes == [b"".join(framed("a", "b"))]


async def test_outbox_blocked_while_polling_is_ready_after_the_upgrade(
    desk: Desk,
) -> None:
    """The WebSocket takes at once what the polls did not."""
    desk.outbox.push(BIG)
    await turns()
    calls: list[str] = []
    desk.outbox.when_ready(lambda: calls.append("ready"))
    desk.attach()
    await turns()

    assert desk.sink.writes == [BIG]
    assert calls == ["ready"]


async def test_poll_of_a_closed_outbox_is_answered(desk: Desk) -> None:
    """Nobody waits for who is gone."""
    polling = asyncio.create_task(desk.outbox.poll(ENOUGH))
    await turns()
    desk.outbox.close()

    assert await polling == []
    assert await desk.outbox.poll(ENOUGH) == []


async def test_last_words_go_with_the_waiting_poll(desk: Desk) -> None:
    """A client that polls hears that the broker closes."""
    polling = asyncio.create_task(desk.outbox.poll(ENOUGH))
    await turns()
    desk.outbox.push(frame(b"1"))
    desk.outbox.close()

    assert await polling == framed("1")


async def test_peer_that_is_given_up_is_closed_once(desk: Desk) -> None:
    """However much waits for it."""
    desk.attach()
    desk.outbox.give_up()
    desk.outbox.give_up()

    assert desk.overflows == 1
