"""Tests of sockets, sessions and what goes between them and the actors."""
