"""Marks on cells that only the deck acts on: polls, steps in code, cells side by side, colours of symbols."""

import re

from pygments import highlight
from pygments.filter import Filter
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import Name

from course_utils.plotting import COLOR
from publish.cells import tags

ANSWER = re.compile(r"<details>\s*<summary>Answer</summary>(.*?)</details>", re.S)
OPTION = re.compile(r"^[-*] \*\*([A-Z])\*\*", re.M)
RIGHT = re.compile(r"\s*(?:\*\*|<b>|<strong>)?([A-Z])\b(?!')")
FORMULA = re.compile(r"\$\$.+?\$\$|(?<![\\$])\$[^$]+?(?<!\\)\$", re.S)


class SlidesError(Exception):
    """A deck could not be made; the message says which and what to do."""


def shows_code(cell):
    """Does the deck show the code of this cell? Not if it is folded, or if its output is the point."""
    folded = cell.metadata.get("jupyter", {}).get("source_hidden", False)
    return cell.cell_type == "code" and not folded and "output-only" not in tags(cell)


def shows_output(cell):
    """Does the deck show the outputs of this code cell?"""
    return not cell.metadata.get("jupyter", {}).get("outputs_hidden", False)


# --- What can be wrong ---------------------------------------------------------------------------------------------


def check_marks(cell):
    """Raise SlidesError, which says what to do, if the marks of a cell that the deck shows contradict the cell."""
    if "poll" in tags(cell):
        right_option(cell)
    steps_of(cell)
    if symbols := colours_of(cell):
        source = "".join(FORMULA.findall(cell.source)) if cell.cell_type == "markdown" else cell.source
        for symbol in symbols:
            if not _pattern([symbol], cell).search(source):
                raise SlidesError(f"colours {symbol}, which stands nowhere in it: write the symbol as it does")


def right_option(cell):
    """The letter of the right option of a poll."""
    letters, answer = OPTION.findall(cell.source), ANSWER.search(cell.source)
    if not 2 <= len(letters) <= 4 or letters != list("ABCD"[: len(letters)]):
        raise SlidesError(f"is a poll with the options {letters}: list two to four, `- **A** …`, `- **B** …`")
    right = answer and RIGHT.match(answer[1])
    if not right or right[1] not in letters:
        begun = f"begins {answer[1].strip()[:20]!r}" if answer else "is missing"
        wanted = "<details><summary>Answer</summary>**B**: …</details>"
        raise SlidesError(f"is a poll whose answer {begun}: write `{wanted}` with one of {letters}")
    return right[1]


def steps_of(cell):
    """The lines of code that each key press points at, a list of sets of numbers of source lines, from 1."""
    written = str(cell.metadata.get("deck_lines", ""))
    if not written:
        return []
    last, steps = len(cell.source.splitlines()), []
    for step in written.split("|"):
        lines = set()
        for span in step.split(","):
            ends = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", span)
            first, final = (int(ends[1]), int(ends[2] or ends[1])) if ends else (0, 0)
            if not 1 <= first <= final <= last or not shows_code(cell):
                advice = 'write lines that the deck shows, such as "1|2-3"'
                raise SlidesError(f"has deck_lines={written!r}, but {last} lines of code: {advice}")
            lines |= set(range(first, final + 1))
        steps.append(lines)
    return steps


def colours_of(cell):
    """The symbols or names of a cell that are coloured, with the name of their colour."""
    pairs = [pair.rpartition(":")[::2] for pair in str(cell.metadata.get("colours", "")).split()]
    for symbol, colour in pairs:
        if not symbol or colour not in COLOR:
            raise SlidesError(f'has colours="{symbol}:{colour}": write symbol:colour with one of {sorted(COLOR)}')
    return dict(pairs)


def _pattern(symbols, cell):
    """What finds symbols of TeX between non-letters, or names in code; the longest first."""
    either = "|".join(re.escape(symbol) for symbol in sorted(symbols, key=len, reverse=True))
    before, after = (r"(?<![A-Za-z\\])", "(?![A-Za-z])") if cell.cell_type == "markdown" else (r"(?<!\w)", r"(?!\w)")
    return re.compile(f"{before}(?:{either}){after}")


# --- Text ----------------------------------------------------------------------------------------------------------


def marks_of(cell):
    """The marks of a text cell that its look depends on."""
    return " ".join(tag for tag in tags(cell) if tag in ("poll", "steps"))


def markdown_of(cell):
    """A text cell's Markdown as the deck wants it: answers open, symbols coloured, the student's minutes left out."""
    source = re.sub(r"(<br>)?\n\*\*Time\*\* .*", "", cell.source)
    if colours := colours_of(cell):
        symbols = _pattern(colours, cell)
        source = FORMULA.sub(
            lambda formula: symbols.sub(lambda found: _coloured(found[0], colours), formula[0]), source
        )
    return ANSWER.sub(r'\n\n<div class="answer fragment"><p class="label">Answer</p>\n\n\1\n\n</div>\n\n', source)


def _coloured(symbol, colours):
    return rf"{{\class{{ink-{colours[symbol]}}}{{{symbol}}}}}"


def mark_right(page, cell):
    """Mark the right option in the HTML of a poll, for the moment when its answer is shown."""
    option = rf"<li>(?=(?:\s*<p>)?\s*<strong>{right_option(cell)}</strong>)"
    return re.sub(option, '<li class="right">', page, count=1)


# --- Code ----------------------------------------------------------------------------------------------------------


class _Colours(Filter):
    """Gives the names of a program that have a colour a token type of their own."""

    def filter(self, lexer, stream):
        colours = self.options["colours"]
        for kind, value in stream:
            yield getattr(Name, colours[value].capitalize()) if kind in Name and value in colours else kind, value


def code_html(cell):
    """Return highlighted Python as HTML, each line in a box of its own, which knows the number of its source line.

    The box knows the line's indentation too, so that the rest of a line too long for the slide hangs to the right of
    its start. Two blank lines, which part functions on paper, become one: a slide is small.
    """
    source = cell.source.rstrip("\n")
    lexer = PythonLexer(stripnl=False)
    lexer.add_filter(_Colours(colours=colours_of(cell)))
    # The formatter closes and opens its marks at each line's end, so a box never cuts through one.
    coloured = highlight(source, lexer, HtmlFormatter(nowrap=True)).split("\n")
    boxes, blank = [], True
    for number, (line, html) in enumerate(zip(source.split("\n"), coloured), 1):
        if line.strip() or not blank:
            indent = len(line) - len(line.lstrip())
            boxes.append(f'<span class="line" data-line="{number}" style="--indent: {indent}">{html}\n</span>')
        blank = not line.strip()
    points = [" ".join(map(str, sorted(lines))) for lines in steps_of(cell)]
    return "".join([*boxes, *(f'<span class="fragment lines" data-lines="{lines}"></span>' for lines in points)])


# --- Colours in light and dark -------------------------------------------------------------------------------------


def legible(colour, ground, contrast=4.6):
    """The colour, moved towards black or white until text in it stands out from the ground by the given contrast."""
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    towards = 255 if luminance(ground) < 0.2 else 0
    for step in range(51):
        mixed = "#" + "".join(f"{round(c + (towards - c) * step / 50):02x}" for c in rgb)
        lighter, darker = sorted([luminance(mixed), luminance(ground)], reverse=True)
        if (lighter + 0.05) / (darker + 0.05) >= contrast:
            break
    return mixed


def luminance(colour):
    """The relative luminance of a colour #rrggbb, as WCAG defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
