"""Results as a table: HTML to look at, and the same as aligned plain text."""

import re
from html import escape

from IPython.display import display

NUMBER = re.compile(r"[-+−–±<>≤≥≈×~\s]*(\d|\.\d|$)")  # a dash is one that is left out


def show_table(rows, message, best=None):
    """Display results as a table, the winner in bold letters, with its message as caption.

    Args:
        rows: a list of dicts with the same keys in one order, the heads of the columns; the first column names the
            rows. Numbers are shown as `str` writes them: format them as they are to be read.
        message: one sentence that states what the table shows.
        best: the name of the winning row, or a list of names.

    Raises:
        ValueError: if the message is empty, if there are no rows or their keys differ, or if no row has a best name.
    """
    if not (message.strip() and rows and all(list(row) == list(rows[0]) for row in rows)):
        raise ValueError("show_table(rows, message) needs a message, and rows: dicts with the same keys in one order")
    heads, table = list(map(str, rows[0])), [list(map(str, row.values())) for row in rows]
    winners = {str(name) for name in (best if isinstance(best, list | tuple | set) else [best]) if name is not None}
    if unknown := winners - {name for name, *_ in table}:
        raise ValueError(f"best names rows by their first column: there is no {', '.join(sorted(unknown))}")
    right = [all(NUMBER.match(cell) for cell in column) for column in zip(*table)]
    lines = [heads, *([name + " *" * (name in winners), *others] for name, *others in table)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    places = [f"{{:{'>' if r else '<'}{width}}}" for r, width in zip(right, widths)]
    plain = ["  ".join(places).format(*cells).rstrip() for cells in lines]
    body = "".join(_row(cells, right, "td", cells[0] in winners) for cells in table)
    top = f"<caption>{escape(message)}</caption><thead>{_row(heads, right, 'th')}</thead>"
    page = f'<table class="results">{top}<tbody>{body}</tbody></table>'
    display({"text/plain": "\n".join([message, "", *plain]), "text/html": page}, raw=True)


def _row(cells, right, tag, wins=False):
    """A row as HTML; JupyterLab has no style for a class of ours, so the letters of a winner are marked as bold."""
    kind, letters = (' class="best"', "<strong>{}</strong>") if wins else ("", "{}")
    sides = ["right" if r else "left" for r in right]
    written = zip(sides, map(letters.format, map(escape, cells)))
    return f"<tr{kind}>" + "".join(f'<{tag} style="text-align: {s}">{cell}</{tag}>' for s, cell in written) + "</tr>"
