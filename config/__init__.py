"""What is set from outside: settings, secrets and the log that hides them."""
