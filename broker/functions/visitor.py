"""Who calls a function of the server, as far as its rights go by it."""

from __future__ import annotations

import msgspec

from actors.roles import Caller, CallerKind


class Visitor(msgspec.Struct, frozen=True):
    """Who calls, and what was shown of them."""

    caller: Caller
    verified: bool = True
    may_serve_files: bool = False

    @property
    def client(self) -> str:
        """The clientId that rights belong to."""
        return self.caller.client

    @property
    def is_monitor(self) -> bool:
        """Whether everything is allowed to them."""
        return self.verified and self.caller.monitors

    @property
    def is_silly_tavern(self) -> bool:
        """Whether it is a SillyTavern."""
        return self.verified and self.caller.kind is CallerKind.EXTENSION
