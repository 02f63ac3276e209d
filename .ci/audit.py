"""Report known vulnerabilities of installed packages; pass with a note where no vulnerability service is reachable."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

AUDIT = ("--requirement", "requirements-dev.lock", "--require-hashes", "--disable-pip", "--progress-spinner", "off")


def audit_packages() -> list[dict[str, Any]]:
    """Run pip-audit; return its report of every package. Packages that it could not check have no ``vulns``."""
    command = [sys.executable, "-m", "pip_audit", *AUDIT, "--format", "json"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    # It exits with 1 for a vulnerability and for a service that does not answer: its output says which.
    packages: list[dict[str, Any]] = json.loads(result.stdout)["dependencies"] if result.stdout.strip() else []
    return packages


def main() -> int:
    """Print the vulnerable packages; 1 if there are any."""
    packages = audit_packages()
    checked = [package for package in packages if "vulns" in package]
    vulnerable = [package for package in checked if package["vulns"]]
    for package in vulnerable:
        print(package["name"], package["version"], ", ".join(entry["id"] for entry in package["vulns"]))  # noqa: T201 - a command
    message = f"{len(checked)} of {len(packages)} packages checked"
    print(message if checked else "NOT CHECKED: no vulnerability service can be reached")  # noqa: T201 - as above
    return 1 if vulnerable else 0


if __name__ == "__main__":
    sys.exit(main())
