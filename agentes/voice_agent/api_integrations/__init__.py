"""One adapter per platform that makes voices."""
