"""The eight namespaces, one file each: events in, actor messages out."""
