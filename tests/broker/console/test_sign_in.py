"""The link that signs in once."""

from __future__ import annotations

import pytest

from actors.errors import Code, RefusedError
from broker.console.sign_in import LIFETIME, SignIn, link


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


def refused(sign_in: SignIn, token: str) -> RefusedError:
    """Why a token is not taken."""
    with pytest.raises(RefusedError) as caught:
        sign_in.redeem(token)
    return caught.value


def test_token_is_good_once() -> None:
    """Whoever comes later is told what else to do."""
    sign_in = SignIn()
    token = sign_in.offer()
    sign_in.redeem(token)
    error = refused(sign_in, token)

    assert error.code == Code.AUTHENTICATION_FAILED
    assert "tapster keys make monitor" in error.message
    assert token not in error.message


def test_wrong_token_is_refused_and_spends_nothing() -> None:
    """A stranger can not use it up."""
    sign_in = SignIn()
    token = sign_in.offer()

    for wrong in ("", token[:-1], f"{token}a", "\ud800"):
        assert refused(sign_in, wrong).code == Code.AUTHENTICATION_FAILED
    sign_in.redeem(token)


def test_without_an_offer_nothing_is_good() -> None:
    """Not even nothing."""
    assert refused(SignIn(), "").code == Code.AUTHENTICATION_FAILED


def test_token_is_good_for_an_hour() -> None:
    """Up to its end."""
    clock = Clock()
    sign_in = SignIn(clock)
    first = sign_in.offer()
    clock.now += LIFETIME

    assert refused(sign_in, first).code == Code.AUTHENTICATION_FAILED
    second = sign_in.offer()
    clock.now += LIFETIME - 1
    sign_in.redeem(second)


def test_new_token_replaces_the_one_before() -> None:
    """There is one at most."""
    sign_in = SignIn()
    first, second = sign_in.offer(), sign_in.offer()

    assert refused(sign_in, first).code == Code.AUTHENTICATION_FAILED
    sign_in.redeem(second)


def test_token_is_not_kept() -> None:
    """Its hash alone."""
    sign_in = SignIn()
    token = sign_in.offer()

    assert token not in repr(vars(sign_in))
    assert len(token) >= 43


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000/#sign-in=abc"),
        ("http://192.0.2.7:80", "http://192.0.2.7:80/#sign-in=abc"),
        ("http://0.0.0.0:4000", "http://127.0.0.1:4000/#sign-in=abc"),
        ("http://[::]:4000", "http://[::1]:4000/#sign-in=abc"),
        ("http://[::1]:4000", "http://[::1]:4000/#sign-in=abc"),
    ],
)
def test_link_can_be_opened(url: str, opened: str) -> None:
    """Also where the broker listens on all addresses."""
    assert link(url, "abc") == opened
