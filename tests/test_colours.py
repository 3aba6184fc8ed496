"""The colours: dark enough on white, and told apart in one picture, by colour-blind readers and without colour, too."""

import ast
from itertools import combinations

import draw
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from course_utils.plotting import COLOR, LINE, use_course_style
from publish.course import ROOT

PARTS = ["input", "state", "output", "parameter", "gate", "gradient", "ink"]
MODELS = ["ngram", "window", "rnn", "gru", "lstm", "baseline", "floor"]
IN_DIAGRAMS = {"backward": draw.BACKWARD, "wrong": draw.WRONG}

# How a reader sees linear RGB: the matrices of severity 1 in Machado, Oliveira & Fernandes (2009),
# "A Physiologically-based Model for Simulation of Color Vision Deficiency".
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# Ottosson's OKLab: linear RGB to cones, and the cube roots of these to lightness and two opponent colours.
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
APART = 0.05  # in OKLab: two to three times the difference that an eye just notices side by side


def linear(color):
    """A colour as linear RGB."""
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(color, background="white"):
    """The contrast of two colours, from 1 to 21, as the Web Content Accessibility Guidelines define it."""
    dark, light = sorted(linear(c) @ [0.2126, 0.7152, 0.0722] for c in (color, background))
    return (light + 0.05) / (dark + 0.05)


def distance(a, b, vision="normal"):
    """How different two colours look, in OKLab."""
    seen = [np.clip(VISIONS[vision] @ linear(color), 0, 1) for color in (a, b)]
    return np.linalg.norm(np.subtract(*(TO_OKLAB @ np.cbrt(TO_CONES @ rgb) for rgb in seen)))


def confused(colors, pairs, visions=VISIONS):
    """The pairs of names whose colours a reader may take for each other, each with that reader's vision."""
    return [(a, b, vision) for a, b in pairs for vision in visions if distance(colors[a], colors[b], vision) < APART]


def drawn_together(source):
    """Pairs of roles that one function or one dictionary of a notebook names, and so may draw in one picture."""
    pairs = set()
    for place in ast.walk(ast.parse(source)):
        inside = list(ast.walk(place)) if isinstance(place, ast.FunctionDef | ast.Dict) else []
        if {"COLOR", "LINE"} & {node.id for node in inside if isinstance(node, ast.Name)}:
            roles = set(COLOR) & {node.value for node in inside if isinstance(node, ast.Constant)}
            pairs |= set(combinations(sorted(roles), 2))
    return pairs


def test_every_colour_is_dark_enough_for_text_on_white():
    pale = {name: contrast(color) for name, color in {**COLOR, **IN_DIAGRAMS}.items() if contrast(color) < 4.5}

    assert pale == {}


def test_every_colour_of_the_style_sheet_is_one_of_the_course():
    use_course_style()

    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]

    assert set(cycle) <= set(COLOR.values())


@pytest.mark.parametrize("group", [[*PARTS, *IN_DIAGRAMS], MODELS], ids=["parts", "models"])
def test_the_parts_of_a_network_and_the_models_are_told_apart_by_every_reader(group):
    assert confused({**COLOR, **IN_DIAGRAMS}, combinations(group, 2)) == []


@pytest.mark.parametrize("source", sorted((ROOT / "notebooks/source").rglob("*.py")), ids=lambda path: path.stem)
def test_colours_of_one_plot_are_told_apart_by_every_reader(source):
    pairs = drawn_together(source.read_text("utf-8")) - {("floor", "ink")}  # both are black: a limit, and writing

    assert confused(COLOR, pairs) == []


def test_no_two_ideas_have_one_colour():
    assert set(COLOR) == {*PARTS, *MODELS}
    assert confused(COLOR, set(combinations(COLOR, 2)) - {("floor", "ink")}, ["normal"]) == []


def test_the_lines_of_two_models_differ_without_colour():
    seen = {model: (str(line["linestyle"]), line["marker"]) for model, line in LINE.items()}
    dashes, markers = zip(*seen.values())

    assert list(LINE) == MODELS
    assert len(set(dashes)) == len(MODELS)
    assert len(set(filter(None, markers))) == len(list(filter(None, markers)))
    assert all(line["color"] == COLOR[model] for model, line in LINE.items())


# --- the gates turn red on planted defects


def test_known_contrasts_are_computed():
    assert contrast("black") == pytest.approx(21)
    assert contrast("#767676") == pytest.approx(4.54, abs=0.005)
    assert contrast("#777777", "#777777") == 1


def test_colours_that_only_some_readers_confuse_are_found():
    planted = {"tomato": "#C04040", "leaf": "#60702A"}

    assert confused(planted, [("tomato", "leaf")], ["normal"]) == []
    assert ("tomato", "leaf", "deuteranopia") in confused(planted, [("tomato", "leaf")])


def test_the_colours_of_one_function_are_drawn_together():
    planted = 'def plot():\n    for name in ("rnn", "gru"):\n        ax.plot(x, color=COLOR[name])\n\nx = "lstm"\n'

    assert drawn_together(planted) == {("gru", "rnn")}
