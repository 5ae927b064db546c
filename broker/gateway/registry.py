"""Which sessions an identity has, by namespace: where notices go.

Owns that map, of verified sessions only. Whether an identity is *present* is its
client actor's to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from broker.gateway.session import Session
from broker.protocol.wire import EVERYBODY, Namespace


class SessionRegistry:
    """Sessions by namespace and identity."""

    def __init__(self) -> None:
        self._sessions: dict[str, dict[str, list[Session]]] = {
            namespace: {} for namespace in Namespace
        }
        self.version = 0
        """Another number after each change, for who remembers an answer."""

    def add(self, session: Session) -> None:
        """Enter a verified session."""
        self.version += 1
        by_identity = self._sessions[session.namespace]
        by_identity.setdefault(session.identity, []).append(session)

    def remove(self, session: Session) -> bool:
        """Take a session out; returns whether its identity has none left there."""
        by_identity = self._sessions[session.namespace]
        sessions = by_identity.get(session.identity, [])
        if session not in sessions:
            return False
        self.version += 1
        sessions.remove(session)
        if not sessions:
            del by_identity[session.identity]
        return not sessions

    def of(self, identity: str, namespace: str = Namespace.LLM) -> Sequence[Session]:
        """The sessions of an identity in a namespace, the newest last.

        ``all`` is nobody's name, and means everybody's sessions.
        """
        if identity == EVERYBODY:
            return self.everyone_in(namespace)
        return self._sessions[namespace].get(identity, ())

    def everyone_in(self, namespace: str) -> list[Session]:
        """The verified sessions of one namespace; linear."""
        by_identity = self._sessions[namespace].values()
        return [session for sessions in by_identity for session in sessions]

    def of_client(self, client: str, namespace: str = Namespace.LLM) -> list[Session]:
        """The sessions of all a client's identities, the newest last; linear."""
        return [
            session
            for sessions in self._sessions[namespace].values()
            for session in sessions
            if session.client == client
        ]

    def everyone(self) -> list[Session]:
        """All verified sessions; linear."""
        return [
            session
            for by_identity in self._sessions.values()
            for sessions in by_identity.values()
            for session in sessions
        ]

    def everywhere(self, identity: str) -> list[Session]:
        """The sessions of an identity in all namespaces."""
        return [
            session
            for by_identity in self._sessions.values()
            for session in by_identity.get(identity, ())
        ]

    def keys_in_use(self, client: str) -> frozenset[str]:
        """The ids of the keys that a client's sessions hold; linear."""
        return frozenset(
            session.key_id
            for session in self.everyone()
            if session.client == client and session.key_id is not None
        )
