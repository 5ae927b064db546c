"""Tests of ``broker.console``."""
