"""Known vulnerabilities in what is installed. Where no vulnerability service can be reached, it says so and passes."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

AUDIT = ("--requirement", "requirements-dev.lock", "--require-hashes", "--disable-pip", "--progress-spinner", "off")


def audited() -> list[dict[str, Any]]:
    """Every package with what pip-audit tells of it; those that it could not check have no ``vulns``."""
    command = [sys.executable, "-m", "pip_audit", *AUDIT, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    # It ends with 1 for a vulnerability and for a service that does not answer: what it printed tells which.
    found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"] if done.stdout.strip() else []
    return found


def main() -> int:
    """Print what is vulnerable; 1 if anything is."""
    packages = audited()
    checked = [package for package in packages if "vulns" in package]
    bad = [package for package in checked if package["vulns"]]
    for package in bad:
        print(package["name"], package["version"], ", ".join(one["id"] for one in package["vulns"]))  # noqa: T201 - a command
    told = f"{len(checked)} of {len(packages)} packages checked"
    print(told if checked else "NOT CHECKED: no vulnerability service answers here")  # noqa: T201 - as above
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
