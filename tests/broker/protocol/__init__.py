"""Tests of what is read and written, without any I/O."""
