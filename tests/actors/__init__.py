"""Tests of the actors: the real one, with fakes for its neighbours."""
