"""``python -m faults``, with the tests' folder on the path."""

import sys

from e2e.faults.run import main

if __name__ == "__main__":
    sys.exit(main())
