"""Write the alerts as a PrometheusRule: ``python deploy/kubernetes/prometheus_rule.py``.

Kustomize cannot lay a file of Prometheus's own into a resource. With ``--check`` nothing is written; exit code 1 tells
that the file is stale.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from textwrap import indent
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ALERTS: Final = HERE.parent / "prometheus" / "alerts.yml"
RULE: Final = HERE / "components" / "monitoring" / "alerts.yaml"
_HEAD: Final = """\
# Made by deploy/kubernetes/prometheus_rule.py from deploy/prometheus/alerts.yml.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: article-stream
  labels: {app.kubernetes.io/name: article-stream, app.kubernetes.io/part-of: article-stream}
spec:
"""


def rule(alerts: str) -> str:
    """The PrometheusRule that holds ``alerts``, a rule file of Prometheus's; both YAML."""
    return _HEAD + indent(alerts, "  ")


def main() -> int:
    """Write the file, or with ``--check`` tell whether it is stale."""
    parser = argparse.ArgumentParser(description="Write the alerts as a PrometheusRule.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the file is stale")
    is_check = parser.parse_args().check
    made = rule(ALERTS.read_text(encoding="utf-8"))
    if RULE.exists() and RULE.read_text(encoding="utf-8") == made:
        return 0
    if is_check:
        sys.stderr.write(f"{RULE} is stale; run: python deploy/kubernetes/prometheus_rule.py\n")
        return 1
    RULE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
