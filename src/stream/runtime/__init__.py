"""The worker: the Faust app and the process around it."""
