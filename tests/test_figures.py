"""The diagrams: each SVG is what its script draws, is large enough to read, and asks the network for nothing."""

import os
import re
import shutil
import subprocess
import sys
from functools import lru_cache
from itertools import combinations
from xml.etree import ElementTree

import draw
import matplotlib
import pytest
import render
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.patches import FancyBboxPatch
from test_colours import contrast

from publish.course import ROOT

FIGURES = ROOT / "figures"
NAMES = render.scripts()
each_diagram = pytest.mark.parametrize("name", NAMES)


@lru_cache
def redrawn(name):
    return render.render(name)


def figure_of(name):
    return render.drawing(name)[0]


def external_references(svg):
    """Whatever in an SVG could make a browser ask for something outside it."""
    found = ["a document type"] if b"<!DOCTYPE" in svg or b"<!ENTITY" in svg else []
    for element in ElementTree.fromstring(svg).iter():
        tag = element.tag.split("}")[-1]
        links = [value for key, value in element.attrib.items() if key.split("}")[-1] in ("href", "src")]
        found += [link for link in links if not link.startswith("#")]
        found += [tag] if tag in ("script", "image", "foreignObject", "iframe") else []
        for style in (element.text or "", *element.attrib.values()):
            found += re.findall(r"@import.*|url\((?!['\"]?#).*?\)", style)
    return found


def layout_faults(figure, shown_wide=900, smallest=18):
    """Texts that are too small, leave the canvas or their box, or meet another text."""
    renderer, ax = FigureCanvasAgg(figure).get_renderer(), figure.axes[0]
    texts = [text for text in ax.texts if text.get_text()]
    extents = {text: text.get_window_extent(renderer) for text in texts}
    scale = shown_wide / 72 / 10  # a canvas is at most ten inches wide
    faults = [f"{t.get_text()!r} is too small" for t in texts if t.get_fontsize() * scale < smallest]
    (left, bottom), (right, top) = figure.bbox.min, figure.bbox.max
    for text, box in extents.items():
        if box.x0 < left or box.y0 < bottom or box.x1 > right or box.y1 > top:
            faults.append(f"{text.get_text()!r} leaves the canvas")
    for a, b in combinations(texts, 2):
        if extents[a].overlaps(extents[b]):
            faults.append(f"{a.get_text()!r} meets {b.get_text()!r}")
    for patch in ax.patches:
        if isinstance(patch, FancyBboxPatch):
            frame = patch.get_window_extent(renderer)
            inside = [t for t, box in extents.items() if frame.contains(*(box.min + box.max) / 2)]
            faults += [f"{t.get_text()!r} is wider than its box" for t in inside if extents[t].width > frame.width]
    return faults


def pale_texts(figure, least=4.5):
    """Texts that are too much like what they stand on: the topmost shape below them that is filled, or the paper."""
    renderer, ax = FigureCanvasAgg(figure).get_renderer(), figure.axes[0]
    shapes = [patch for patch in sorted(ax.patches, key=lambda patch: patch.zorder) if patch.get_facecolor()[3] == 1]
    faults = []
    for text in filter(lambda text: text.get_text(), ax.texts):
        box = text.get_window_extent(renderer)
        below = [s.get_facecolor() for s in shapes if s.get_window_extent(renderer).contains(*(box.min + box.max) / 2)]
        seen = contrast(text.get_color(), to_rgb((["white"] + below)[-1]))
        faults += [f"{text.get_text()!r} has a contrast of {seen:.1f}"] if seen < least else []
    return faults


def test_there_is_one_svg_for_each_script_and_the_reverse():
    assert sorted(path.stem for path in FIGURES.glob("*.svg")) == NAMES


@each_diagram
def test_the_stored_svg_is_what_its_script_draws(name):
    stored = (FIGURES / f"{name}.svg").read_bytes().replace(b"\r\n", b"\n")
    if render.drawn_by(stored) != render.VERSION:
        pytest.skip(f"{name}.svg was drawn by {render.drawn_by(stored)}, this is {render.VERSION}")
    assert stored == redrawn(name), f"run `python figures/render.py {name}` and look at the result"


@each_diagram
def test_the_stored_svg_was_drawn_by_the_pinned_matplotlib(name):
    pins = ROOT / "constraints.txt"
    if not pins.exists():
        pytest.skip("constraints.txt, which pins matplotlib, is missing")
    version = re.search(r"^matplotlib==(\S+)", pins.read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    assert render.drawn_by((FIGURES / f"{name}.svg").read_bytes()) == f"matplotlib {version}"


@each_diagram
def test_an_svg_is_well_formed_says_what_it_shows_and_refers_to_nothing_outside(name):
    svg = (FIGURES / f"{name}.svg").read_bytes()

    title = ElementTree.fromstring(svg).findtext("{http://www.w3.org/2000/svg}title")

    assert len(title) > 60
    assert external_references(svg) == []


@each_diagram
def test_every_text_is_large_enough_and_stands_free(name):
    figure = figure_of(name)

    assert figure.get_figwidth() <= 10
    assert layout_faults(figure) == []


def test_the_readers_matplotlib_settings_change_nothing():
    with matplotlib.rc_context({"font.size": 30, "font.family": "serif", "svg.fonttype": "none", "lines.linewidth": 9}):
        assert render.render("notation_xhy") == redrawn("notation_xhy")


def test_the_check_agrees_in_a_fresh_process_and_another_folder(tmp_path):
    command = [sys.executable, str(FIGURES / "render.py"), "--check", "family_1_to_1"]
    stored = (FIGURES / "family_1_to_1.svg").read_bytes()
    if render.drawn_by(stored) != render.VERSION:
        pytest.skip(f"family_1_to_1.svg was drawn by {render.drawn_by(stored)}, this is {render.VERSION}")

    done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True)

    assert done.returncode == 0, done.stdout + done.stderr


@each_diagram
def test_every_text_contrasts_with_what_it_stands_on(name):
    assert pale_texts(figure_of(name)) == []


# --- the gates turn red on planted defects


@pytest.fixture
def folder(tmp_path):
    """A folder with one diagram, freshly drawn."""
    shutil.copy(FIGURES / "family_n_to_n.py", tmp_path)
    assert render.main([], tmp_path) == 0
    return tmp_path


def test_check_is_content_with_a_fresh_drawing_also_after_git_changed_its_line_ends(folder, capsys):
    svg = folder / "family_n_to_n.svg"
    svg.write_bytes(svg.read_bytes().replace(b"\n", b"\r\n"))

    assert render.main(["--check"], folder) == 0
    assert "every diagram is what its script draws" in capsys.readouterr().out


def test_check_finds_a_script_that_was_changed_and_leaves_its_svg_alone(folder, capsys):
    script, svg = folder / "family_n_to_n.py", folder / "family_n_to_n.svg"
    before = svg.read_bytes()
    script.write_text(script.read_text(encoding="utf-8").replace('"cake"', '"tea"'), encoding="utf-8")

    assert render.main(["--check"], folder) == 1
    assert "family_n_to_n.svg is not what family_n_to_n.py draws" in capsys.readouterr().out
    assert svg.read_bytes() == before


def test_check_finds_a_missing_svg_and_a_stray_one(folder, capsys):
    (folder / "family_n_to_n.svg").rename(folder / "old.svg")

    assert render.main(["--check"], folder) == 1
    printed = capsys.readouterr().out
    assert "family_n_to_n.svg is missing" in printed
    assert "old.svg has no script old.py" in printed


def test_check_names_both_versions_where_bytes_prove_nothing(folder, capsys):
    svg = folder / "family_n_to_n.svg"
    svg.write_bytes(svg.read_bytes().replace(render.VERSION.encode(), b"matplotlib 1.0.0"))

    assert render.main(["--check"], folder) == 1
    assert f"drawn by matplotlib 1.0.0; this is {render.VERSION}" in capsys.readouterr().out


def test_an_unknown_name_is_answered_with_the_known_ones(folder, capsys):
    with pytest.raises(SystemExit, match="2"):
        render.main(["family_n_to_q"], folder)
    assert "no such diagram: family_n_to_q. There are: family_n_to_n" in capsys.readouterr().err


@pytest.mark.parametrize("planted", [
    '<image href="https://example.org/a.png"/>',
    '<use href="other.svg#cell"/>',
    '<script>alert(1)</script>',
    '<style>@import "https://example.org/a.css";</style>',
    '<path style="fill: url(https://example.org/a.svg#b)"/>',
])  # fmt: skip
def test_an_external_reference_is_found(planted):
    svg = redrawn("family_1_to_1").replace(b"</svg>", planted.encode() + b"</svg>")

    assert external_references(svg)


@pytest.mark.parametrize("fault, plant", [
    ("too small", lambda ax: draw.write(ax, 9, 2, "tiny", size=12)),
    ("leaves the canvas", lambda ax: draw.write(ax, 9.9, 2, "outside")),
    ("meets", lambda ax: draw.write(ax, 5.5, 0.36, "meets")),
    ("wider than its box", lambda ax: draw.node(ax, 9, 2, "incomprehensible", size=15)),
])  # fmt: skip
def test_a_fault_of_layout_is_found(fault, plant):
    figure = figure_of("family_n_to_n")

    plant(figure.axes[0])

    assert any(fault in line for line in layout_faults(figure))


@pytest.mark.parametrize("plant", [
    lambda ax: draw.write(ax, 9, 2, "pale", color=draw.FAINT),
    lambda ax: draw.node(ax, 9, 2, "dark", "parameter", strength=0.9),
])  # fmt: skip
def test_a_text_without_contrast_is_found(plant):
    figure = figure_of("family_n_to_n")

    plant(figure.axes[0])

    assert len(pale_texts(figure)) == 1
