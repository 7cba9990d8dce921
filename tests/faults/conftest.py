"""Prints the table of all rounds at the end of the run, wherever they were played."""

from typing import Any

TALLY = "faults"
"""Name of the property of a test's report that holds its row."""

COLUMNS = ("fault", "rounds", "accepted", "finished", "failed as it must", "lost", "stuck", "corrupt")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found]
    rows = [
        value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == TALLY and report.when == "call"
    ]
    if rows:
        terminalreporter.section("faults")
        for row in (COLUMNS, *sorted(rows)):
            terminalreporter.write_line("| " + " | ".join(str(cell) for cell in row) + " |")
