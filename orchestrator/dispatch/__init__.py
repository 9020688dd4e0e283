"""Who runs a job: this process, or workers elsewhere."""
