"""What the C library does with memory that is freed: large pieces go back at once.

Owns nothing. glibc maps pieces of 128 KiB and more on their own, and unmaps them when
they are freed; but with the first that is freed it raises that limit, up to 32 MiB.
From then on large pieces come from the heap, where a small one above them keeps all
below: of 40 MB that had waited for clients who took nothing, 33 were still there when
those had gone. To name the limit keeps it where it is.

To the process that does so ``MALLOC_MMAP_THRESHOLD_`` in its environment means nothing.

Other C libraries, and other systems, have no such knob, or none that is needed.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

M_MMAP_THRESHOLD: Final = -3
"""glibc's number for the option of ``mallopt``, from ``malloc.h``."""

LARGE: Final = 128 * 1024
"""Bytes from which a piece is mapped on its own: as glibc begins."""

_GLIBC: Final = "gnu_get_libc_version"
"""A function that is in glibc alone."""


def give_back_large_pieces() -> bool:
    """Have them go back when they are freed; False: there is no glibc to tell."""
    if not sys.platform.startswith("linux"):
        return False
    program = ctypes.CDLL(None)
    if not hasattr(program, _GLIBC):
        return False
    return bool(program.mallopt(M_MMAP_THRESHOLD, LARGE))
