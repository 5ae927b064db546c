"""Tests: they mirror ``actors`` and ``broker``; ``integration`` drives real ones."""
