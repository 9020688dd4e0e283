"""What a voice says when nobody wrote it down: lines per language, and the writer that joins them."""
