"""Read, select, correct and requeue dead letters."""
