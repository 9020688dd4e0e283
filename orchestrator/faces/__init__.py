"""The faces: outside words into Studio calls, and back."""
