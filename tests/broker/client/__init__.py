"""Tests of the Python SDK, against a broker that says what the test wants."""
