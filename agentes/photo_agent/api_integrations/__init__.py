"""One adapter per platform that makes pictures."""
