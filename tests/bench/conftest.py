"""Benchmarks and scripts are no packages: they are found as they find each other."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "scripts")]
