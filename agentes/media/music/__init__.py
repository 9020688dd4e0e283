"""Music beds: composed by rule from a style and a seed, played by this machine, seamless at any length."""
