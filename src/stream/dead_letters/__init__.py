"""Read, select and requeue dead letters."""
