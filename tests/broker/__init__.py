"""Tests of ``broker``, folder by folder."""
