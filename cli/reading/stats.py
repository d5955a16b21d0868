"""`log stats` and `log sql`: message counts and usage by role, and read-only SQL queries."""

from collections import Counter, defaultdict
from pathlib import Path

from gome.bus.events import ACTIVITIES
from gome.viewer import text
from gome.viewer.model.message_lines import role
from gome.viewer.model.summary import summarise
from gome.viewer.model.usage import Usage
from gome.viewer.output import emit, hint, say, table
from gome.viewer.run_folders import as_opened, open_reader

__all__ = ["show_sql", "show_stats"]


def show_stats(folder: Path, as_json: bool) -> int:
    """Print messages by role and kind, calls and scripts by role, and how the time was spent."""
    with open_reader(folder) as reader:
        envelopes = list(reader.envelopes())
    summary = summarise(envelopes)
    sent: dict[str, Counter[str]] = defaultdict(Counter)
    for each in envelopes:
        sent[role(each.sender)][each.kind] += 1
    shares = summary.timeline.shares(summary.time)
    if as_json:
        emit("log-stats", {"messages": len(envelopes), "roles": sent, "usage": summary.by_role(), "time": shares})
        return 0
    usage = summary.by_role()
    rows = []
    for name, kinds in sorted(sent.items()):
        own = [f"{kind} {number}" for kind, number in kinds.most_common() if kind not in ACTIVITIES]
        used = usage.get(name, Usage())
        spent = (str(used.calls), text.duration(used.seconds), str(used.scripts), text.duration(used.script_seconds))
        rows.append((name, str(sum(kinds.values())), *spent, ", ".join(own)))
    say(table(("role", "messages", "calls", "call time", "scripts", "script time", "kinds"), rows))
    say(f"\nof {text.duration(shares.until)}: {shares.words}")
    hint(f"gome log {as_opened(folder)} --role proposer", f"gome report {as_opened(folder)}")
    return 0


def show_sql(folder: Path, query: str, as_json: bool) -> int:
    """Print the result of a read-only SQL query on the log."""
    with open_reader(folder) as reader:
        columns, rows = reader.sql(query)
    if as_json:
        emit("log-sql", {"columns": columns, "rows": rows})
        return 0
    say(table(columns, [[text.UNKNOWN if cell is None else str(cell) for cell in row] for row in rows]))
    hint(f"gome log stats {as_opened(folder)}", f"gome log {as_opened(folder)}")
    return 0
