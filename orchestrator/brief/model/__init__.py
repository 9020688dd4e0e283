"""With a language model: what the rules left open is worded better, and nothing else can change."""
