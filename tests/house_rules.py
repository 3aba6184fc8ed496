"""The rules that every notebook keeps: functions from a lecture to a list of problems, empty if all is well."""

import ast
import io
import re
import statistics
import tokenize
from base64 import b64encode
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from publish.budgets import problems_of
from publish.build import ALONE, is_stale, read_source
from publish.cells import code_lines, exercise_part, is_folded_part, slide_type, tags
from publish.course import has_deck
from publish.minutes import words

RULES = []
SLIDE_TYPES = {"slide", "subslide", "fragment", "notes", "skip", None}
TAGS = re.compile(
    r"topic-[A-G]\d+[a-e]?|nbval-check-output|nbval-ignore-output|volatile|output-only|widget|export"
    r"|part|steps|poll|beside|closing"
    r"|exercise-\d+-(stub|check|solution)"
)
# Calls whose value is None: alone in a cell's last line they show nothing.
SILENT = {"setup", "append", "extend", "insert", "update", "sort", "shuffle", "seed", "manual_seed", "backward", "step",
          "zero_grad", "clear", "remove", "discard", "add"}  # fmt: skip
TEXT_FIELDS = {"Text", "Textarea", "Combobox"}
LOUD = {"print", "show", "display", "check", "interact"}
ABSOLUTE = re.compile(
    r"(?<![\w.:/])/(home|Users|root|tmp|usr|opt|var|mnt|etc|work|private)/"
    r"|\b[A-Z]:\\{1,2}(Users|Windows|Program|Temp|Documents)|site-packages"
)
OTHER_NOTEBOOK = re.compile(r"^\s*%run\b|\b(import_ipynb|importnb|nbimporter|testbook|runpy)\b|\.ipynb\b", re.M)
INSTALLATION = re.compile(r"\bget_ipython\(|\b(pip|conda|apt|apt-get)['\", ]+install\b")
OF_ITS_MAKING = re.compile(
    r"\b(this|an?|the|last|previous|earlier|next|another) session\b|\bas (you )?(asked|requested)\b|\bworkplace\b"
    r"|\bsandbox|\bTODO\b|\bFIXME\b|\bXXX\b|\.\./shared\b|\bissue #?\d|\bsyllabus\b|\bhouse style\b|\blorem ipsum\b",
    re.I,
)

# Ends the first line that fails in a notebook without its course.
NOT_FOUND = "  # not found? Open it in the folder of the course"

# Verdicts that show what goes wrong, or that a check can fail.
MEANT_TO_BE_FALSE = {
    "ours twice the input, twice the state: False sum for sum: False",
    "equal after the third word: False",
    "neither: equal to 1e-12: False",
    "padded, h_n equal to 1e-12: False",
    "mean of batch means, four ways equal to 1e-12: False",
    "left to right below the floor: False",
    "and with another encoder: False",
    "over padding, alone = in company: False",
}


class Lecture(NamedTuple):
    """A built notebook, where it lies, and the text that it is built from."""

    notebook: NotebookNode
    path: Path
    source: Path


def rule(function):
    """Add a function to the rules."""
    RULES.append(function)
    return function


# --- what a notebook is made of


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_cells(notebook, notes=True):
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    return cells if notes else [cell for cell in cells if slide_type(cell) != "notes"]


def name(cell):
    """How a problem names a cell: by its beginning."""
    lines = [line for line in cell.source.splitlines() if line.strip()]
    return f"the {cell.cell_type} cell {lines[0][:60]!r}" if lines else f"an empty {cell.cell_type} cell"


def parsed(cell):
    return ast.parse(python(cell))


def python(cell):
    """A cell's code, IPython's magics turned into calls."""
    return TransformerManager().transform_cell(cell.source)


def outside_functions(tree):
    """All nodes that run when the cell runs: what stands in a function's body is left out."""
    nodes = list(ast.iter_child_nodes(tree))
    while nodes:
        node = nodes.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            nodes.extend(ast.iter_child_nodes(node))


def called_names(tree):
    """The names of functions and methods called when the cell runs."""
    functions = [node.func for node in outside_functions(tree) if isinstance(node, ast.Call)]
    return {getattr(function, "id", getattr(function, "attr", None)) for function in functions}


def all_outputs(notebook):
    """(where, output) of each cell, and of each widget in the state that it was stored in."""
    for cell in code_cells(notebook):
        yield from ((name(cell), output) for output in cell.outputs)
    state = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    for model in state.values():
        yield from (("a widget", output) for output in model.get("state", {}).get("outputs", []))


# --- built


@rule
def all_cells_were_run_in_order(lecture):
    counts = [cell.execution_count for cell in code_cells(lecture.notebook)]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"execution counts are {counts}"]


@rule
def what_shows_something_has_its_output(lecture):
    silent = [cell for cell in code_cells(lecture.notebook) if shows_something(cell) and not cell.outputs]
    return [f"{name(cell)} has lost its output" for cell in silent]


def shows_something(cell):
    """True if the code prints, draws, checks, or ends in a bare expression."""
    tree = parsed(cell)
    called = called_names(tree)
    if called & LOUD or any(function and function.startswith("check_") for function in called):
        return True
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr) or isinstance(last.value, ast.Constant):
        return False
    function = getattr(last.value, "func", None)
    return getattr(function, "id", getattr(function, "attr", None)) not in SILENT


@rule
def nothing_ended_in_an_error(lecture):
    failed = [where for where, output in all_outputs(lecture.notebook) if output["output_type"] == "error"]
    return [f"{where} shows an error" for where in failed]


@rule
def compared_verdicts_are_true(lecture):
    """A claim that its own cell finds false is compared with itself, and nobody notices."""
    problems = []
    for cell in code_cells(lecture.notebook):
        if "nbval-check-output" in tags(cell):
            lines = [line for output in cell.outputs for line in output.get("text", "").splitlines()]
            false = [" ".join(line.split()) for line in lines if re.search(r": *False$", line)]
            problems += [f"{name(cell)} finds: {line}" for line in false if line not in MEANT_TO_BE_FALSE]
    return problems


@rule
def text_and_notebook_agree_cell_by_cell(lecture):
    expected, found = read_source(lecture.source).cells, lecture.notebook.cells
    if len(expected) != len(found):
        return [f"the text has {len(expected)} cells, the notebook {len(found)}: edit the text and run make notebooks"]
    keys = ("cell_type", "source", "metadata", "id")
    differing = [(key, b) for a, b in zip(expected, found) for key in keys if a[key] != b[key]]
    return [f"{name(cell)}: its {key} is not the text's" for key, cell in differing]


@rule
def it_was_built_from_this_text_and_helper(lecture):
    stale = is_stale(lecture.source, lecture.path)
    return ["its text or course_utils has changed since: run make notebooks"] if stale else []


@rule
def it_notes_where_it_was_built(lecture):
    missing = {"python", "torch", "cpu_capability", "corpus"} - set(
        lecture.notebook.metadata.get("course", {}).get("fingerprint", {})
    )
    return [f"the fingerprint lacks {key}" for key in sorted(missing)]


@rule
def no_cell_is_empty(lecture):
    return [f"cell {i} is empty" for i, cell in enumerate(lecture.notebook.cells) if not cell.source.strip()]


@rule
def the_file_is_small(lecture, limit=1024 * 1024):
    size = lecture.path.stat().st_size
    return [] if size <= limit else [f"{size:,} bytes, more than {limit:,}"]


# --- rhythm


@rule
def it_keeps_its_budgets(lecture):
    """Or its header says which one it passes, by how much, and why."""
    try:
        return problems_of(lecture.notebook, has_deck(lecture.path))
    except ValueError as error:
        return [str(error)]


@rule
def code_cells_are_short(lecture):
    """Lines that are not blank. The checks of exercises, which are folded, may be longer and do not count in shares."""
    problems, ordinary = [], []
    for cell in code_cells(lecture.notebook):
        length = code_lines(cell)
        is_check = exercise_part(cell)[1] == "check"
        limit = 60 if is_check else 30
        problems += [f"{name(cell)} has {length} lines, more than {limit}"] if length > limit else []
        ordinary += [] if is_check else [length]
    median, p90 = statistics.median(ordinary), sorted(ordinary)[int(0.9 * (len(ordinary) - 1))]
    problems += [f"half of the code cells have {median} lines or more; at most 8"] if median > 8 else []
    problems += [f"a tenth of the code cells have {p90} lines or more; at most 20"] if p90 > 20 else []
    return problems


@rule
def most_code_cells_show_something(lecture, least=0.6):
    cells = [cell for cell in code_cells(lecture.notebook) if exercise_part(cell)[1] != "stub"]
    share = sum(bool(cell.outputs) for cell in cells) / len(cells)
    return [] if share >= least else [f"{share:.0%} of the code cells have output, fewer than {least:.0%}"]


@rule
def at_most_two_code_cells_stand_in_a_row(lecture):
    """Cells that a deck skips (drawing functions, checks, solutions) are set aside; with them, at most three."""
    rows = [list(row) for kind, row in groupby(lecture.notebook.cells, lambda cell: cell.cell_type) if kind == "code"]
    seen = [sum(slide_type(cell) != "skip" for cell in row) for row in rows]
    long = [row for row, count in zip(rows, seen) if count > 2 or len(row) > 3]
    return [f"{name(row[2])} is the third code cell in a row: say something before it" for row in long]


@rule
def prose_keeps_pace_with_code(lecture, least=25, most=120):
    """Words per code cell, speaker's notes left out and an exercise counted once."""
    text = sum(words(cell) for cell in text_cells(lecture.notebook, notes=False))
    pace = text / sum(not is_folded_part(cell) for cell in code_cells(lecture.notebook))
    return [] if least <= pace <= most else [f"{pace:.0f} words of prose per code cell; between {least} and {most}"]


# --- code


@rule
def no_semicolon(lecture):
    return [
        f"{name(cell)} has a semicolon: end plots with show(…)"
        for cell in code_cells(lecture.notebook)
        if any(
            token.exact_type == tokenize.SEMI for token in tokenize.generate_tokens(io.StringIO(python(cell)).readline)
        )
    ]


@rule
def no_installation_and_no_shell(lecture):
    found = [cell for cell in code_cells(lecture.notebook) if INSTALLATION.search(python(cell))]
    return [f"{name(cell)} uses a magic, the shell or an installer" for cell in found]


@rule
def no_star_import(lecture):
    return [
        f"{name(cell)} imports *"
        for cell in code_cells(lecture.notebook)
        for node in ast.walk(parsed(cell))
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
    ]


@rule
def no_path_of_one_machine(lecture):
    problems = [f"{name(c)} holds {m[0]}" for c in lecture.notebook.cells if (m := ABSOLUTE.search(c.source))]
    for where, output in all_outputs(lecture.notebook):
        data = {mime: value for mime, value in output.get("data", {}).items() if not mime.startswith("image/")}
        printed = [output.get("text", ""), *output.get("traceback", []), *map(str, data.values())]
        problems += [f"the output of {where} holds {m[0]}" for text in printed if (m := ABSOLUTE.search(text))]
    return problems


@rule
def the_first_code_cell_sets_the_seed(lecture):
    first = code_cells(lecture.notebook)[0]
    return [] if "setup" in called_names(parsed(first)) else ["the first code cell does not call setup(seed)"]


@rule
def opened_alone_it_says_what_to_do(lecture):
    """In its title cell, and in the line at which it then stops, which the error message quotes."""
    title, opening = lecture.notebook.cells[0].source, code_cells(lecture.notebook)[0].source
    first = next((line for line in opening.splitlines() if "course_utils" in line), "no import of course_utils")
    problems = [] if ALONE in title else ["the title cell does not say it"]
    return problems if first.endswith(NOT_FOUND) else [*problems, f"{first!r} does not end in {NOT_FOUND!r}"]


@rule
def notebooks_do_not_import_each_other(lecture):
    return [f"{name(c)} uses a notebook" for c in code_cells(lecture.notebook) if OTHER_NOTEBOOK.search(c.source)]


# --- exercises


@rule
def exercises_have_stub_check_and_solution_in_order(lecture):
    found = [exercise_part(cell) for cell in code_cells(lecture.notebook) if exercise_part(cell)[1]]
    count = max((number for number, _ in found), default=0)
    expected = [(number, part) for number in range(1, count + 1) for part in ("stub", "check", "solution")]
    return [] if found == expected else [f"the cells of exercises are {found}"]


@rule
def checks_and_solutions_are_folded(lecture):
    parts = [cell for cell in code_cells(lecture.notebook) if is_folded_part(cell)]
    is_open = [cell for cell in parts if not cell.metadata.get("jupyter", {}).get("source_hidden")]
    shown = [cell for cell in parts if slide_type(cell) != "skip"]
    return [f'{name(cell)} is open; needs jupyter={{"source_hidden": true}}' for cell in is_open] + [
        f'{name(cell)} shows in the deck; needs slide_type "skip"' for cell in shown
    ]


@rule
def stubs_are_not_attempted_and_solutions_correct(lecture):
    problems = []
    for cell in code_cells(lecture.notebook):
        expected = {"check": "not attempted yet", "solution": "the solution: correct"}.get(exercise_part(cell)[1])
        printed = "".join(output.get("text", "") for output in cell.outputs)
        if expected and expected not in printed:
            problems.append(f"{name(cell)} does not print {expected!r}")
    return problems


# --- tests of notebooks


@rule
def tags_are_known(lecture):
    return [
        f"{name(cell)} has the unknown tag {tag!r}"
        for cell in lecture.notebook.cells
        for tag in tags(cell)
        if not TAGS.fullmatch(tag)
    ]


@rule
def it_states_a_claim(lecture):
    claims = [cell for cell in code_cells(lecture.notebook) if "nbval-check-output" in tags(cell)]
    printed = [any(map(says_something, cell.outputs)) for cell in claims]
    problems = [f"{name(cell)} claims nothing" for cell, said in zip(claims, printed) if not said]
    return problems if claims else ["no cell is tagged nbval-check-output: nothing is compared on another machine"]


def says_something(output):
    """True for what is printed, for a cell's value, and for a table of results; a picture is not compared."""
    return output.output_type in {"stream", "execute_result"} or "<table" in output.get("data", {}).get("text/html", "")


@rule
def few_outputs_are_ignored_and_each_for_a_reason(lecture, most=0.1):
    cells = code_cells(lecture.notebook)
    ignored = [cell for cell in cells if "nbval-ignore-output" in tags(cell)]
    problems = [f"{name(c)} lacks nbval_ignore_reason" for c in ignored if not c.metadata.get("nbval_ignore_reason")]
    problems += [f"{name(c)} is volatile, but compared" for c in cells if "volatile" in tags(c) and c not in ignored]
    if len(ignored) > most * len(cells):
        problems.append(f"the output of {len(ignored)} of {len(cells)} code cells is ignored, more than {most:.0%}")
    return problems


@rule
def comparison_is_steered_by_tags_alone(lecture):
    marked = [cell for cell in code_cells(lecture.notebook) if re.search(r"#\s*(NBVAL|PYTEST)_", cell.source)]
    return [f"{name(cell)} steers nbval by a comment: use a tag" for cell in marked]


# --- widgets


@rule
def ipywidgets_appear_only_in_widget_cells(lecture):
    cells = code_cells(lecture.notebook)
    imported = set().union(*(imported_widgets(cell) for cell in cells))
    if imported and not any("widget" in tags(cell) for cell in cells):
        return ["ipywidgets is imported, but no cell is tagged widget"]
    return [
        f"{name(cell)} uses a widget, but is not tagged so"
        for cell in cells
        if "widget" not in tags(cell) and imported & mentioned_names(cell)
    ]


def imported_widgets(cell):
    """The names by which a cell's imports bring in ipywidgets or what is in it."""
    found = set()
    for node in ast.walk(parsed(cell)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ipywidgets"):
            found |= {alias.asname or alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name for alias in node.names if alias.name.startswith("ipywidgets")}
    return found


def mentioned_names(cell):
    return {node.id for node in ast.walk(parsed(cell)) if isinstance(node, ast.Name)}


@rule
def what_a_widget_draws_is_drawn_without_it_too(lecture):
    cells = code_cells(lecture.notebook)
    others = [cell for cell in cells if "widget" not in tags(cell)]
    defined = {node.name for cell in cells for node in ast.walk(parsed(cell)) if isinstance(node, ast.FunctionDef)}
    called = defined.intersection(*[set().union(*(called_names(parsed(cell)) for cell in others))])
    return [
        f"{name(cell)} draws what no other cell draws: a reader without widgets sees nothing"
        for cell in cells
        if "widget" in tags(cell) and not mentioned_names(cell) & called
    ]


@rule
def what_is_typed_is_normalised(lecture):
    """What looks the same can be typed as one character or as two, a letter and its accent; the models know one."""
    return [
        f'{name(cell)} reads a text field: needs normalize("NFC", …)'
        for cell in code_cells(lecture.notebook)
        if "widget" in tags(cell) and TEXT_FIELDS & mentioned_names(cell) and "normalize" not in mentioned_names(cell)
    ]


@rule
def text_fields_wait_until_the_text_is_typed(lecture):
    """A model would run at each key; and interact(f, x="text") makes a field that cannot be told to wait."""
    problems = []
    for cell in code_cells(lecture.notebook):
        for call in [node for node in ast.walk(parsed(cell)) if isinstance(node, ast.Call)]:
            function = getattr(call.func, "id", getattr(call.func, "attr", None))
            options = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
            eager = function in TEXT_FIELDS and options.get("continuous_update") is not False
            short = function == "interact" and any(isinstance(value, str) for value in options.values())
            problems += [f"{name(cell)}: a text field lacks continuous_update=False"] if eager or short else []
    return problems


# --- what is read


@rule
def the_opening_is_complete(lecture):
    first, number = lecture.notebook.cells[0].source, int(lecture.path.stem[:2])
    expected = {
        f"'# {number} · title'": rf"\A# {number} · \S",
        "a line '> …' that says why anyone should care": r"^> \S",
        "**You will** …": r"^\*\*You will\*\* ",
        "**You need** …": r"\*\*You need\*\* ",
        "**Time** …": r"\*\*Time\*\* ",
    }
    return [f"the first cell lacks {what}" for what, pattern in expected.items() if not re.search(pattern, first, re.M)]


@rule
def the_minutes_are_computed(lecture):
    computed = re.search(r"^# .*\*\*Time\*\* \{minutes\} min", lecture.source.read_text("utf-8"), re.M)
    return [] if computed else ["the title cell's minutes are typed: write **Time** {minutes} min"]


@rule
def symbols_are_introduced_at_the_start(lecture):
    cells = lecture.notebook.cells
    code = [i for i, cell in enumerate(cells) if cell.cell_type == "code"]
    opening = "\n".join(cell.source for cell in cells[: [*code, len(cells), len(cells)][1]])
    table = re.search(r"^\| *symbol *\| *code *\|.*\bmeaning\b.*\|", opening, re.M)
    return [] if table else ["no table | symbol | code | … | meaning | before the second code cell"]


@rule
def it_closes_with_what_you_now_have(lecture):
    cells = lecture.notebook.cells
    closing = [i for i, cell in enumerate(cells) if re.search(r"^##? What you now have$", cell.source, re.M)]
    if not closing:
        return ["no heading 'What you now have'"]
    bullets = len(re.findall(r"^- ", cells[closing[0]].source, re.M))
    problems = [] if 2 <= bullets <= 4 else [f"'What you now have' has {bullets} bullets; 2 to 4"]
    return problems + ["code after the closing" for cell in cells[closing[0] :] if cell.cell_type == "code"]


@rule
def slide_types_are_known(lecture):
    cells = [cell for cell in lecture.notebook.cells if slide_type(cell) not in SLIDE_TYPES]
    return [f"{name(cell)}: slide type {slide_type(cell)!r}; continuation cells have none" for cell in cells]


@rule
def every_slide_has_notes(lecture):
    slides = []
    for cell in lecture.notebook.cells:
        if slide_type(cell) in {"slide", "subslide"}:
            slides.append((cell, []))
        elif slides:
            slides[-1][1].append(slide_type(cell))
    return [f"{name(cell)} has no speaker's notes" for cell, types in slides if "notes" not in types]


@rule
def every_image_has_a_text_for_those_who_cannot_see_it(lecture):
    problems = []
    for where, output in all_outputs(lecture.notebook):
        for mime in output.get("data", {}):
            if mime.startswith("image/") and not output.get("metadata", {}).get(mime, {}).get("alt", "").strip():
                problems.append(f"the picture of {where} has no alternative text: use show(figure, message)")
    for cell in text_cells(lecture.notebook):
        problems += [f"{name(cell)}: {file} has no alternative text" for alt, file in images(cell) if not alt.strip()]
        problems += [f"{name(cell)}: an <img> element; use ![text](file)" for _ in re.findall(r"<img\b", cell.source)]
    return problems


@rule
def every_text_in_a_plot_can_be_read(lecture, least=12.5):
    """A deck shows a plot of 860 pixels as 960, and its smallest text is then 14 pixels high."""
    problems = []
    for where, output in all_outputs(lecture.notebook):
        smallest = output.get("metadata", {}).get("image/png", {}).get("smallest_text")
        if "image/png" in output.get("data", {}) and smallest is None:
            problems.append(f"nobody has measured the text in the picture of {where}: run make notebooks")
        elif smallest is not None and 0 < smallest < least:
            problems.append(f"the picture of {where} has a text of {smallest} pixels, less than {least}")
    return problems


def images(cell):
    """(alternative text, file) of each image that a text cell shows."""
    return re.findall(r"!\[([^\]]*)\]\(([^)\s]*)[^)]*\)", cell.source)


@rule
def every_image_file_is_there(lecture):
    shown = [file for cell in text_cells(lecture.notebook) for _, file in images(cell)]
    return [f"there is no {file}" for file in shown if not (lecture.path.parent / file).is_file()]


@rule
def pictures_shown_elsewhere_are_the_notebooks(lecture):
    """A cell's metadata may name a file that shows its picture outside the notebook, such as in the README."""
    for cell in code_cells(lecture.notebook):
        if "picture" in cell.metadata:
            file = lecture.path.parent / cell.metadata["picture"]
            data = [output.get("data", {}).get("image/png") for output in cell.outputs[:1]]
            if not file.is_file() or data != [b64encode(file.read_bytes()).decode()]:
                return [f"{cell.metadata['picture']} is not the picture of {name(cell)}: run make notebooks"]
    return []


@rule
def it_speaks_of_its_subject_alone(lecture):
    found = [(cell, OF_ITS_MAKING.search(cell.source)) for cell in lecture.notebook.cells]
    return [f"{name(cell)} says {match[0]!r}" for cell, match in found if match]
