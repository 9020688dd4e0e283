"""Three agents, for pictures, clips and voices, and all they need to get one task done."""
