"""Write the dashboards' JSON from the boards beside this file: ``python deploy/grafana/generate.py``.

With ``--check`` nothing is written; exit code 1 tells that a file is stale.
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
#: Asked for each minute: a start is told once, also after a time in which the worker was down.
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


def _board(title: str, uid: str, description: str, rows: Rows) -> dict[str, Any]:
    """One dashboard with its variables, annotations and links; panels are numbered in their order."""
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
    made: dict[str, Any] = json.loads(json.dumps(board.build(), cls=JSONEncoder))
    for number, panel in enumerate(made["panels"], 1):
        panel["id"] = number
    made["annotations"] = {
        "list": [
            _annotation("Restarts", _RESTARTS, color="blue", title="Worker started", text="{{instance}}"),
            _annotation("Alerts", _ALERTS, color="red", title="{{alertname}}", text="{{severity}} {{instance}}"),
        ]
    }
    return made


def _with_sections(text: str, numbers: dict[str, int]) -> str:
    """``text`` with each link to a section of the run book pointing at that section's panel.

    Raises:
        KeyError: There is no such section.
    """
    return re.sub(re.escape(RUNBOOK) + r"([a-z0-9-]+)", lambda link: f"{RUNBOOK}{numbers[link[1]]}", text)


def files() -> dict[Path, str]:
    """Every file with what it has to hold."""
    runbook_dashboard, numbers = runbook.board(HERE.parents[1] / "docs" / "operations" / "runbook.md")
    boards = {
        "flow": _board("Article stream: flow", "article-stream-flow", flow.ABOUT, flow.rows()),
        "content": _board("Article stream: content", "article-stream-content", content.ABOUT, content.rows()),
        "state": _board("Article stream: state", "article-stream-state", state.ABOUT, state.rows()),
        "runbook": runbook_dashboard,
    }
    return {
        HERE / "dashboards" / f"{name}.json": _with_sections(
            json.dumps(made, indent=2, sort_keys=True, ensure_ascii=False), numbers
        )
        + "\n"
        for name, made in boards.items()
    }


def main() -> None:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file is stale")
    check = parser.parse_args().check
    made = files()
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if check and stale:
        names = ", ".join(path.name for path in stale)
        sys.exit(f"{names}: not what the code makes; run: python deploy/grafana/generate.py")
    for path in stale:
        path.write_text(made[path], encoding="utf-8")


if __name__ == "__main__":
    main()
