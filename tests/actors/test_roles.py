"""The table of roles, row by row, and what it must never say."""

from __future__ import annotations

import pytest

from actors.roles import (
    EXTENSION_ACTIONS,
    PERMISSIONS,
    Action,
    CallerKind,
    Role,
    may,
    may_touch,
)

CLIENT, MONITOR, EXTENSION = CallerKind

TABLE = """
                 master  manager  special  guest  nobody
READ             yes     yes      yes      yes    no
ORDER            yes     yes      yes      yes    no
SPEAK            yes     yes      yes      yes    no
LEAVE            yes     yes      yes      yes    no
CANCEL_OTHERS    yes     yes      no       no     no
EDIT_OTHERS      yes     yes      no       no     no
DELETE_OTHERS    yes     yes      no       no     no
CLEAR            yes     yes      no       no     no
KICK             yes     yes      no       no     no
MUTE             yes     yes      no       no     no
SET_MODE         yes     yes      no       no     no
ADD              yes     yes      no       no     no
REMOVE           yes     yes      no       no     no
SET_ROLE         yes     no       no       no     no
DELETE           yes     no       no       no     no
"""
"""What the protocol grants, written down apart from the code."""


def cells() -> list[tuple[Action, Role | None, bool]]:
    """The table, cell by cell."""
    header, *rows = TABLE.strip().splitlines()
    roles = [None if name == "nobody" else Role(name) for name in header.split()]
    return [
        (Action[row.split()[0]], role, word == "yes")
        for row in rows
        for role, word in zip(roles, row.split()[1:], strict=True)
    ]


@pytest.mark.parametrize(("action", "role", "allowed"), cells())
def test_a_client_may_what_its_role_may(
    action: Action, role: Role | None, *, allowed: bool
) -> None:
    """Whatever SillyTaverns may."""
    for manage in (True, False):
        assert may(action, role, CLIENT, extensions_manage=manage) is allowed


def test_every_action_is_in_the_table() -> None:
    """Or nobody has said who may do it."""
    assert {action for action, _, _ in cells()} == set(Action)
    assert set(PERMISSIONS) == set(Role)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", [*Role, None])
def test_a_monitor_may_everything(action: Action, role: Role | None) -> None:
    """Everywhere, a member or not."""
    assert may(action, role, MONITOR, extensions_manage=False)


@pytest.mark.parametrize("action", Action)
def test_a_silly_tavern_manages_rooms_where_the_settings_say_so(
    action: Action,
) -> None:
    """It adds, removes and deletes as a stranger, and nothing else."""
    granted = action in {Action.ADD, Action.REMOVE, Action.DELETE}

    assert may(action, None, EXTENSION, extensions_manage=True) is granted
    assert not may(action, None, EXTENSION, extensions_manage=False)
    assert (action in EXTENSION_ACTIONS) is granted


def test_higher_roles_may_all_that_lower_ones_may() -> None:
    """Nobody loses a right by being promoted."""
    for higher, lower in ((0, 1), (1, 2), (2, 3)):
        roles = list(Role)

        assert PERMISSIONS[roles[higher]] >= PERMISSIONS[roles[lower]]


@pytest.mark.parametrize("target", Role)
def test_a_manager_has_no_say_over_who_rules(target: Role) -> None:
    """Neither a master nor another manager; unless it is a monitor besides."""
    over = target in {Role.SPECIAL, Role.GUEST}

    assert may_touch(Role.MANAGER, target, CLIENT) is over
    assert may_touch(Role.MANAGER, target, EXTENSION) is over
    assert may_touch(Role.MANAGER, target, MONITOR)
    assert may_touch(Role.MASTER, target, CLIENT)


@pytest.mark.parametrize("role", Role)
def test_masters_and_managers_rule(role: Role) -> None:
    """The others are ruled."""
    assert role.rules is (role in {Role.MASTER, Role.MANAGER})
