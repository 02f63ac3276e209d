"""``python -m tests.e2e.faults``."""

import sys

from tests.e2e.faults.run import main

if __name__ == "__main__":
    sys.exit(main())
