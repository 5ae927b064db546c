"""Tests of ``broker.logs``."""
