"""Understanding: what the words of a brief say, and which of them were not understood."""
