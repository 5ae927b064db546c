"""A disk that can be broken for real: ext4 in a file, on a disk too small for it.

The kernel takes what is written until there is no room for it in the file; then writes
fail, the journal is given up, and ext4 makes itself read-only. Only root can have one.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from .test_full_disk import fill, small_disk

SIZE: Final = "256M"
"""More than the small disk below it has."""
TOOLS: Final = ("mkfs.ext4", "e2fsck", "fsfreeze", "chattr", "mount", "umount")


class FailingDisk:
    """An ext4 file system on a folder."""

    def __init__(self, below: Path, folder: Path) -> None:
        self.folder = folder
        self._below = below
        self._image = below / "image"
        self._ballast: Path | None = None

    def make(self) -> None:
        """Make it and put it on its folder."""
        with self._image.open("wb"):
            pass
        _run("truncate", "--size", SIZE, str(self._image))
        _run("mkfs.ext4", "-q", "-J", "size=4", str(self._image))
        self._mount()

    def break_down(self) -> None:
        """Leave no room below: whatever is new can not be written from now on."""
        self._ballast = fill(self._below)

    def repair(self) -> None:
        """What an operator does: take it off, mend it, put it back."""
        assert self._ballast is not None
        self._ballast.unlink()
        _run("umount", str(self.folder))
        # It says 1 when it has mended something.
        _run("e2fsck", "-f", "-y", str(self._image), good=(0, 1))
        self._mount()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let everybody who writes wait, and do not say for how long."""
        _run("fsfreeze", "--freeze", str(self.folder))
        try:
            yield
        finally:
            _run("fsfreeze", "--unfreeze", str(self.folder))

    def _mount(self) -> None:
        options = "loop,errors=remount-ro"
        _run("mount", "-o", options, str(self._image), str(self.folder))


@contextlib.contextmanager
def failing_disk(below: Path, folder: Path) -> Iterator[FailingDisk]:
    """Such a disk on a folder."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"this machine has no {tool}, to make a disk that fails with")
    below.mkdir()
    with small_disk(below):
        disk = FailingDisk(below, folder)
        try:
            disk.make()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine makes no ext4 in a file: {error.stderr}")
        try:
            yield disk
        finally:
            _run("umount", "--lazy", str(folder))


@contextlib.contextmanager
def write_protected(*files: Path) -> Iterator[None]:
    """Let nobody write these files, not even who has them open already."""
    names = [str(file) for file in files]
    _run("chattr", "+i", *names)
    try:
        yield
    finally:
        _run("chattr", "-i", *names)


def _run(*command: str, good: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run(  # noqa: S603 - our own command lines
        command, check=False, capture_output=True, encoding="utf-8"
    )
    if done.returncode not in good:
        raise subprocess.CalledProcessError(
            done.returncode, command, done.stdout, done.stderr
        )
