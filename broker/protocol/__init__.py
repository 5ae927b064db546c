"""The wire protocol without I/O: names, typed frames, codecs."""
