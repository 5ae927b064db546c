"""A short life of a full house; ``make soak-short`` plays a longer one."""

from __future__ import annotations

from .harness import StartBroker
from .soak.play import SETTINGS, Plan, Play


async def test_rooms_and_histories_are_what_the_rules_make_of_all_that_was_acked(
    start_broker: StartBroker,
) -> None:
    """Members, roles, mutes, words, orders and their ends, whatever happens."""
    plan = Plan(seconds=20, identities=24, rooms=5, extensions=4, pause=0.6)
    broker = start_broker(plan.house(), **SETTINGS)

    report = await Play(broker.url, plan).run()

    assert report.differences == []
    assert report.counts["connections cut"] > 0
    assert report.counts["words compared"] > 100
    assert report.counts["ends told"] > 20
