"""Files: where they live, whether they are what was asked for, and what can be measured in them."""
