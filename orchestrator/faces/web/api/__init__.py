"""What the service does, subject by subject: each module turns calls into requests to the studio, and back."""
