"""What every part of Agentes knows: the nouns, the errors, the catalogue of platforms and the rules of money."""
