"""What monitors ask and are shown in ``/debug``, as typed frames. Pure."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from broker.protocol.client_frames import ClientName
from broker.protocol.house_frames import Shown
from broker.protocol.inbound import Frame

Text = Annotated[str, msgspec.Meta(max_length=1_024)]


class RemoveExtension(Frame, frozen=True, kw_only=True):
    """The SillyTavern that is to go."""

    bare_field: ClassVar[str | None] = "identity"
    identity: ClientName


class DrainExtension(Frame, frozen=True, kw_only=True):
    """The SillyTavern that is to take nothing new, or to work again."""

    identity: ClientName
    drain: bool


class TrustClient(Frame, frozen=True, kw_only=True):
    """The client that is to be trusted, or no longer."""

    client_id: ClientName
    trusted: bool


class MakeKey(Frame, frozen=True, kw_only=True):
    """The client that is to have a key; ``monitor``: to rule the house with it."""

    bare_field: ClassVar[str | None] = "clientId"
    client_id: ClientName
    monitor: bool = False


class RevokeKey(Frame, frozen=True, kw_only=True):
    """A client, and which of its keys; None: all of them."""

    client_id: ClientName
    key_id: str | None = None


class TryRoute(Frame, frozen=True, kw_only=True):
    """What might be sent; the fields are those that rules look at."""

    event: Text = ""
    source: Text = ""
    client_type: Text | None = None
    type: Text | int | None = None
    target: Text | list[Text] | None = None
    room: Text | None = None


class ShownSetting(Shown, frozen=True, kw_only=True):
    """One setting of the server."""

    name: str
    value: Any
    default: Any
    unit: str | msgspec.UnsetType = msgspec.UNSET
    range: str | msgspec.UnsetType = msgspec.UNSET
    choices: list[str] | msgspec.UnsetType = msgspec.UNSET
    changeable: bool
    changed_by: str | msgspec.UnsetType = msgspec.UNSET
    """The event that changes it while the broker runs."""
    about: dict[str, str]
    """What it does, by language."""


class ShownKey(Shown, frozen=True, kw_only=True):
    """One key, by its id."""

    id: str
    created_at: str
    last_used_at: str
    expires_at: str | None
    """When it is good no more, or was; None: never."""
    last_address: str | None
    """From where it was shown last, since the broker's start."""


class ShownHolder(Shown, frozen=True, kw_only=True):
    """One client, and its keys."""

    client_id: str
    kind: str
    trusted: bool
    keys: list[ShownKey]
    online: int
    """How many of its instances are here."""
