"""The other end of the wire, for practice: the vendors' side of each conversation."""
