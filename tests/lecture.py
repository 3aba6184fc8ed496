"""A planted lecture that uses every mark of the deck: what its tests try, and what a new look is judged by."""

import shutil
from pathlib import Path
from unittest.mock import patch

import matplotlib.pyplot as plt
import numpy as np
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_utils import show, show_film
from course_utils.plotting import COLOR, use_course_style
from publish.course import ROOT

STEP = """f = torch.sigmoid(x @ W_xf + h @ W_hf + b_f)
c_new = torch.tanh(x @ W_xc + h @ W_hc + b_c)
c = f * c + (1 - f) * c_new
h = torch.tanh(c)"""
TABLE = """<table class="results"><caption>The gated cell wins at every gap, by far at the longest.</caption>
<thead><tr><th>cell</th><th>gap 10</th><th>gap 40</th><th>gap 160</th></tr></thead><tbody>
<tr><th>tanh</th><td>0.98</td><td>0.41</td><td>0.25</td></tr>
<tr class="best"><th>LSTM</th><td>1.00</td><td>0.99</td><td>0.93</td></tr>
<tr><th>GRU</th><td>1.00</td><td>0.98</td><td>0.90</td></tr></tbody></table>"""
POLL = """### Predict · Which gate keeps the memory?

The counter shall hold its number over a hundred steps. Which gate must stay open?

- **A** the input gate $i_t$
- **B** the output gate $o_t$
- **C** the forget gate $f_t$
- **D** none: tanh holds it

<details><summary>Answer</summary>**C**: what $f_t = 1$ multiplies stays as it is.</details>"""


def lecture(home, widget):
    """The lecture's cells by slides; its picture is put into the given folder, its widget is the given cell."""
    shutil.copy(ROOT / "figures" / "gru_cell.svg", Path(home) / "gru_cell.svg")
    closing = "- A gate is a number between 0 and 1; see [notebook 4](04_vanishing_gradients.ipynb).\n"
    closing += "- [Gers et al. 2000](https://doi.org/10.1162/089976600300015015)"
    return [
        _slide(
            text("# 5 · Gates\n\n> What shall stay must not be multiplied at every step.\n\n**You will** build a gate.")
        ),
        _slide(text("## Symbols\n\n| symbol | code | meaning |\n|---|---|---|\n| $f_t$ | `f` | forget gate |")),
        _slide(text("## 1 · Why gates?\n\nOne number decides. It is learned.", tags=["part"])),
        _slide(
            text(
                "### One gate\n\nIt blends old and new:\n\n$$f_t = \\sigma(x_t W_{xf} + h_{t-1} W_{hf} + b_f)$$\n\n"
                "$$c_t = f_t\\, c_{t-1} + (1 - f_t)\\, \\tilde{c}_t$$\n\n$$h_t = \\tanh(c_t)$$",
                tags=["steps"],
                colours="f_t:gate c_t:state",
            ),
            code(STEP, tags=["beside"], deck_lines="1|2-3|4", colours="f:gate c:state"),
        ),
        _slide(
            text(
                "### What a gate can say\n\n- keep: $f_t = 1$\n- forget: $f_t = 0$\n- anything between", tags=["steps"]
            )
        ),
        _slide(text(POLL, tags=["poll"])),
        _slide(text("### The cell\n\n![The cell of a GRU with its gates.](gru_cell.svg)")),
        _slide(text("## 2 · What gates do\n\nA race, a film, a slider.", tags=["part"])),
        _slide(text("### Gates fade last"), code("show(draw())", _plot(), tags=["output-only"])),
        _slide(text("### The gated cell wins"), code("show_table(rows)", [_html(TABLE)], tags=["output-only"])),
        _slide(text("### A film of the gate"), code("show_film(draw())", _film(), tags=["output-only"])),
        _slide(text("### Turn the gate"), widget),
        _slide(
            text(
                "### Exercise 1 · One step\n\nWrite the step. **Predict:** what does it return for $f = 1$?\n\n"
                "<details><summary>Answer</summary>The old state, unchanged.</details>"
            ),
            code('def step(c, f, new):\n    """The state after a gated step."""\n    ...', tags=["exercise-1-stub"]),
        ),
        _slide(text(f"## What you now have\n\n{closing}", tags=["closing"])),
    ]


def text(source, kind=None, tags=(), **marks):
    """A text cell with marks."""
    return new_markdown_cell(source, metadata=metadata(kind, tags, marks))


def code(source, outputs=(), kind=None, tags=(), **marks):
    """A code cell with marks."""
    return new_code_cell(source, outputs=list(outputs), metadata=metadata(kind, tags, marks))


def metadata(kind, tags, marks):
    """A cell's metadata: its slide type, its tags and other marks."""
    return ({"slideshow": {"slide_type": kind}} if kind else {}) | ({"tags": list(tags)} if tags else {}) | marks


def _slide(first, *others):
    """Cells that begin a slide, with notes for the speaker."""
    first.metadata["slideshow"] = {"slide_type": "slide"}
    return [first, *others, text("Say this.", "notes")]


def _html(page):
    return new_output("display_data", {"text/html": page})


def _outputs(draw):
    """What a function displays, as outputs of a cell."""
    outputs = []

    def note(content, metadata=None, raw=False):
        data = content if raw else {"text/html": content.data}
        outputs.append(new_output("display_data", data, metadata=metadata or {}))

    with patch("course_utils.plotting.display", note):
        draw()
    return outputs


def _curve(shift=0.0):
    use_course_style()
    fig, ax = plt.subplots()
    x = np.linspace(-6, 6, 100)
    for name, scale in [("gate", 1), ("state", 2), ("input", 0.5)]:
        ax.plot(x, 1 / (1 + np.exp(-scale * (x - shift))), color=COLOR[name], label=name)
    ax.set(xlabel="pre-activation, $a$", ylabel=r"gate, $\sigma(a)$")
    ax.legend()
    return fig


def _plot():
    return _outputs(lambda: show(_curve(), "The gate opens where its pre-activation is positive."))


def _film():
    return _outputs(
        lambda: show_film([_curve(k) for k in range(3)], [f"bias {k}" for k in range(3)], "A bias moves it.")
    )
