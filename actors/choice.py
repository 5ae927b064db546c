"""Which extensions one request goes to, of those that its room may use.

Pure, but for looking at the roster, which it leaves as it is.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from actors.errors import Code, NotFoundError, RefusedError, UnavailableError
from actors.policies import RESTRICTING, Assigned, ConnectionPolicy
from actors.roster import Roster


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A request before it is placed."""

    roster: Roster
    policy: ConnectionPolicy
    room: str
    assigned: Assigned
    """What the room may use."""
    avoid: Collection[str]
    """Whom the policy chose before; one other is wanted in the stead of one."""

    @property
    def asks_all(self) -> bool:
        """Whether without a target everybody is asked.

        What avoids somebody was placed under another policy, with one.
        """
        return self.policy is ConnectionPolicy.BROADCAST and not self.avoid

    def named(self, target: str) -> str:
        """The extension that is meant by an identity or a clientId.

        Raises:
            NotFoundError: there is none.
            UnavailableError: it is given nothing new.
            RefusedError: the room may not use it.
        """
        known = target in self.roster
        meant = [target] if known else self.roster.of_client(target)
        if not meant:
            raise unknown(target)
        meant = [each for each in meant if not self.roster.is_draining(each)]
        if not meant:
            raise UnavailableError(
                f"{target!r} is draining: it finishes what it has, nothing more",
                Code.NO_LLM_AVAILABLE,
            )
        allowed = [identity for identity in meant if identity in self.assigned]
        if not allowed:
            raise RefusedError(
                f"{target!r} is not among the SillyTaverns assigned to room "
                f"{self.room!r}: name one that is, or none"
            )
        return self.roster.least_busy(allowed) or min(allowed)

    def by_policy(self) -> Collection[str]:
        """Whoever is chosen where nobody was named.

        Raises:
            UnavailableError: nobody can be.
        """
        if self.asks_all:
            chosen: Collection[str] = self.roster.available()
        else:
            chosen = self._one()
        if not chosen:
            raise UnavailableError(self._why_nobody(), Code.NO_LLM_AVAILABLE)
        return chosen

    def _one(self) -> Collection[str]:
        among = [identity for identity in self.assigned if identity not in self.avoid]
        found = self.roster.least_busy(among)
        if found is None and self.policy in RESTRICTING and not self.avoid:
            # Nobody else may be asked: wait for one that is in its grace time.
            willing = self.roster.willing()
            found = next((each for each in among if each in willing), None)
        return () if found is None else (found,)

    def _why_nobody(self) -> str:
        if self.policy is ConnectionPolicy.MANUAL and not self.assigned:
            return (
                f"no SillyTavern is assigned to room {self.room!r}: "
                f"the policy is {self.policy}, a monitor has to assign one"
            )
        draining = self._draining()
        if draining:
            return f"draining: {', '.join(draining)}; nobody else could answer"
        if self.policy in RESTRICTING and self.assigned:
            names = ", ".join(self.assigned)
            return f"not connected: {names}, assigned to room {self.room!r}"
        return "no SillyTavern is connected that could answer"

    def _draining(self) -> list[str]:
        """Of those whom the room may use, who is given nothing new."""
        bound = self.policy in RESTRICTING
        among = self.assigned if bound else self.roster.identities()
        return [name for name in among if self.roster.is_draining(name)]


def unknown(name: str) -> NotFoundError:
    """The error that says that there is no such extension."""
    return NotFoundError(
        f"no SillyTavern named {name!r} is connected", Code.CLIENT_NOT_FOUND
    )
