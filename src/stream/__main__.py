"""``python -m stream``: the same as the command ``stream``."""

from stream.cli import main

main()
