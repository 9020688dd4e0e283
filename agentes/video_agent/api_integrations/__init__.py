"""One adapter per platform that makes clips."""
