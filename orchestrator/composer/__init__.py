"""Assets in, deliverable out: timeline, captions, film, folder, report."""
