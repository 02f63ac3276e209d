"""Write the JSON of the dashboards in ``boards/``: ``python deploy/grafana/generate.py``.

With ``--check``, write nothing and exit with 1 if a file is out of date.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

from boards import content, flow, runbook, state
from boards.panels import RUNBOOK, SOURCE, Rows
from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

HERE: Final = Path(__file__).resolve().parent
_TAG: Final = "article-stream"
#: Evaluated every minute, so that each start is marked once, even if the worker was down for a while.
_RESTARTS: Final = 'time() - process_start_time_seconds{job="$job", instance=~"$instance"} < 60'
_ALERTS: Final = 'ALERTS{job="$job", alertstate="firing"}'


def _variables() -> list[Any]:
    source = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    job = dashboard.QueryVariable("job").label("Job").query("label_values(stream_build_info, job)")
    instance = dashboard.QueryVariable("instance").label("Worker")
    instance.query('label_values(stream_build_info{job="$job"}, instance)').multi(True).include_all(True)
    instance.all_value(".*").current(model.VariableOption(text="All", value="$__all", selected=True))
    for variable in (job, instance):
        variable.datasource(SOURCE).refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        variable.sort(model.VariableSort.ALPHABETICAL_ASC)
    return [source, job, instance]


def _annotation(name: str, expr: str, *, color: str, title: str, text: str) -> dict[str, Any]:
    source = {"type": SOURCE.type_val, "uid": SOURCE.uid}
    shown = {"iconColor": color, "titleFormat": title, "textFormat": text}
    return {"name": name, "datasource": source, "enable": True, "expr": expr, "step": "60s", **shown}


def _build_board(title: str, uid: str, description: str, rows: Rows) -> dict[str, Any]:
    """Build a dashboard with its variables, annotations and links; panels are numbered in order."""
    board = dashboard.Dashboard(title).uid(uid).description(description).tags([_TAG]).timezone("browser").readonly()
    board.time("now-3h", "now").refresh("30s").tooltip(model.DashboardCursorSync.CROSSHAIR)
    board.variables(_variables())
    links = dashboard.DashboardLink("Article stream").type(model.DashboardLinkType.DASHBOARDS).tags([_TAG])
    board.link(links.keep_time(True).include_vars(True))
    for row, panels in rows:
        if row:
            board.with_row(dashboard.Row(row))
        for panel in panels:
            board.with_panel(panel)
    board_json: dict[str, Any] = json.loads(json.dumps(board.build(), cls=JSONEncoder))
    for number, panel in enumerate(board_json["panels"], 1):
        panel["id"] = number
    board_json["annotations"] = {
        "list": [
            _annotation("Restarts", _RESTARTS, color="blue", title="Worker started", text="{{instance}}"),
            _annotation("Alerts", _ALERTS, color="red", title="{{alertname}}", text="{{severity}} {{instance}}"),
        ]
    }
    return board_json


def _link_sections(text: str, numbers: dict[str, int]) -> str:
    """Point each link to a section of the run book to that section's panel.

    Raises:
        KeyError: A section does not exist.
    """
    return re.sub(re.escape(RUNBOOK) + r"([a-z0-9-]+)", lambda match: f"{RUNBOOK}{numbers[match[1]]}", text)


def generate() -> dict[Path, str]:
    """Generate the content of every file."""
    runbook_dashboard, numbers = runbook.board(HERE.parents[1] / "docs" / "operations" / "runbook.md")
    boards = {
        "flow": _build_board("Article stream: flow", "article-stream-flow", flow.ABOUT, flow.rows()),
        "content": _build_board("Article stream: content", "article-stream-content", content.ABOUT, content.rows()),
        "state": _build_board("Article stream: state", "article-stream-state", state.ABOUT, state.rows()),
        "runbook": runbook_dashboard,
    }
    return {
        HERE / "dashboards" / f"{name}.json": _link_sections(
            json.dumps(board, indent=2, sort_keys=True, ensure_ascii=False), numbers
        )
        + "\n"
        for name, board in boards.items()
    }


def main() -> None:
    """Write the files, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    check = parser.parse_args().check
    files = generate()
    stale = [path for path, text in files.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if check and stale:
        names = ", ".join(path.name for path in stale)
        sys.exit(f"{names}: out of date; run: python deploy/grafana/generate.py")
    for path in stale:
        path.write_text(files[path], encoding="utf-8")


if __name__ == "__main__":
    main()
