"""The drawing vocabulary of the course's diagrams: one small function per idea.

A canvas is measured in inches from its lower left corner; a slide shows an inch as 110 pixels.
Boxes are coloured by role, and an arrow that carries weights is thick and has the parameters' colour.
"""

import re
from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from course_utils.plotting import COLOR

SYMBOL, TEXT, SMALL = 22, 17, 15  # font sizes in points; SMALL is 18 px when ten inches are shown 900 px wide
INK, MUTED, FAINT = COLOR["ink"], "#5E5E5E", "#B0B0B0"
BACKWARD, WRONG = "#7020E0", "#DB0A6A"  # the parameters of a chain from right to left; what must not be
GAP = 0.06  # between an arrow and what it touches
ROWS = 0.86, 1.85, 2.84  # heights of x, h and y in an unrolled network
OVER = re.compile(r"\\over(left|right)arrow\{(\w)\}")
MATHTEXT = MathTextParser("path")


class Node(NamedTuple):
    """A box that arrows can touch: its centre and its full width and height."""

    x: float
    y: float
    width: float = 0
    height: float = 0

    def at(self, dx, dy):
        """The point (dx, dy) half-sizes from the centre, as a node without size: at(0, 1) is the middle of the top."""
        return Node(self.x + dx * self.width / 2, self.y + dy * self.height / 2)


def canvas(width, height):
    """An empty white canvas of width × height inches, without axes; `ax.figure` is its Figure."""
    ax = Figure(figsize=(width, height), facecolor="white").add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.set_axis_off()
    return ax


def tint(role, strength=0.2):
    """The colour of a role, or any colour, thinned with white."""
    return tuple(1 - strength * (1 - np.array(to_rgb(COLOR.get(role, role)))))


def write(ax, x, y, text, size=TEXT, color=INK, ha="center", bold=False):
    """Write lines of text around the height y; equal heights give equal baselines, whatever the letters."""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        middle = 0.28 if line.startswith("$") else 0.36
        baseline = y - (middle + 1.25 * (i - (len(lines) - 1) / 2)) * size / 72
        style = {"fontsize": size, "fontweight": "bold" if bold else "normal", "math_fontfamily": "cm"}
        if OVER.search(line):
            baseline -= 0.12 * size / 72
            line = arrows_over(ax, x, baseline, line, size, COLOR.get(color, color), ha)
        ax.text(x, baseline, line, color=COLOR.get(color, color), ha=ha, va="baseline", zorder=4, **style)


def over(letter, index, backward=False):
    """The mathtext of an indexed letter under an arrow to the right, or to the left if backward; without dollars."""
    return rf"\over{'left' if backward else 'right'}arrow{{{letter}}}_{{{index}}}"


def arrows_over(ax, x, baseline, line, size, color, ha):
    """Draw the arrows of a line's \\overrightarrow and \\overleftarrow, closer than mathtext's; return it without."""

    def width(text):
        return MATHTEXT.parse(text, 72, FontProperties(size=size, math_fontfamily="cm"))[0] / 72

    em, plain = size / 72, OVER.sub(r"{\2}", line)
    left = x - width(plain) * {"left": 0, "center": 0.5, "right": 1}[ha]
    for found in OVER.finditer(line):
        until = OVER.sub(r"{\2}", line[: found.end()])
        middle = left + width(f"{until}$") - width(f"${found[2]}$") / 2 + 0.04 * em  # letters slant
        sign = -1 if found[1] == "left" else 1
        start, end, y = middle - 0.27 * em * sign, middle + 0.27 * em * sign, baseline + 0.9 * em
        back, side = end - 0.16 * em * sign, 0.11 * em
        points = [(start, y), (end, y), (back, y + side), (end, y), (back, y - side)]
        path = Path(points, [Path.MOVETO, Path.LINETO, Path.MOVETO, Path.LINETO, Path.LINETO])
        ax.add_patch(PathPatch(path, facecolor="none", edgecolor=color, linewidth=0.07 * size, zorder=4))
    return plain


def width_of(text, size=TEXT):
    """The width in inches of one line of plain text."""
    return TextPath((0, 0), text, size=size).get_extents().width / 72


def node(ax, x, y, label="", role="state", width=0.86, height=0.56, size=SYMBOL, scale=1, strength=0.2, color=INK):
    """A rounded box around (x, y) in the colour of its role: input, state, output, gate, parameter … or any colour.

    The fill is that colour at the given strength; `color` is the label's.
    """
    shape = f"round,pad=0,rounding_size={0.24 * min(width, height)}"
    style = {"facecolor": tint(role, strength), "edgecolor": COLOR.get(role, role), "linewidth": 2.4 * scale}
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle=shape, zorder=3, **style))
    write(ax, x, y, label, size, color)
    return Node(x, y, width, height)


def operation(ax, x, y, symbol, role="ink", radius=0.2, color=INK):
    """A small circle for an elementwise operation, such as + or ×."""
    ax.add_patch(Circle((x, y), radius, facecolor="white", edgecolor=COLOR.get(role, role), linewidth=2.2, zorder=3))
    write(ax, x, y, symbol, TEXT, color)
    return Node(x, y, 2 * radius, 2 * radius)


def border(box, toward, gap=GAP):
    """The point where an arrow from the centre of a box toward a point has left the box and a gap; points have none."""
    step = np.array([toward[0] - box.x, toward[1] - box.y])
    reach = np.array([box.width, box.height]) / 2
    exits = [r / abs(s) for r, s in zip(reach, step) if s]
    return np.array([box.x, box.y]) + step * (min(exits) + gap * any(reach) / np.hypot(*step))


def round_corners(points, radius=0.22):
    """The path through the points, its corners rounded."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:]):
        back, on = before - corner, after - corner
        vertices += [corner + radius * back / np.hypot(*back), corner, corner + radius * on / np.hypot(*on)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*vertices, points[-1]], [*codes, Path.LINETO])


def arrow(ax, start, end, label="", parameter=False, dashed=False, via=(), color=None, scale=1):
    """An arrow between two nodes or points, round the corners named in `via`.

    Args:
        ax: the canvas.
        start, end: each a Node, whose border the arrow touches, or a point (x, y).
        label: written above the longest stretch, or to its right if that is vertical.
        parameter: the arrow carries weights.
        dashed: a value is handed on: an output fed back, a delay.
        via: corners between start and end.
        color: a role or a colour, where it is neither ink nor the parameters' colour.
        scale: thickness, for miniatures.
    """
    color, width = color or ("parameter" if parameter else "ink"), (4.6 if parameter else 2.2) * scale
    start, end = Node(*start), Node(*end)
    first, last = border(start, (*via, end)[0], GAP * scale), border(end, (start, *via)[-1], GAP * scale)
    points = [first, *map(np.array, via), last]
    ahead = (points[-1] - points[-2]) / np.hypot(*(points[-1] - points[-2]))
    length, half = (0.19 * scale, 0.14 * scale) if parameter else (0.17 * scale, 0.09 * scale)
    neck, side = points[-1] - length * ahead, half * np.array([-ahead[1], ahead[0]])
    style = {"edgecolor": COLOR.get(color, color), "linewidth": width, "linestyle": (0, (2.2, 1.4)) if dashed else "-"}
    stem = round_corners([*points[:-1], neck + 0.02 * scale * ahead])
    ax.add_patch(PathPatch(stem, facecolor="none", capstyle="butt", zorder=2, **style))
    ax.add_patch(Polygon([points[-1], neck + side, neck - side], color=COLOR.get(color, color), linewidth=0, zorder=2))
    if label:
        a, b = max(zip(points, points[1:]), key=lambda pair: np.hypot(*(pair[1] - pair[0])))
        (x, y), upright = (a + b) / 2, abs(b - a)[1] > abs(b - a)[0]
        write(ax, x + 0.14 * upright, y + 0.27 * (not upright), label, SYMBOL, ha="left" if upright else "center")


def loop(ax, box, label="", height=0.6, **style):
    """The recurrent arrow: out of the top of a box and back into it."""
    left, right = box.x - 0.26 * box.width, box.x + 0.26 * box.width
    low, high = box.at(0, 1).y + GAP, box.at(0, 1).y + height
    arrow(ax, (left, low), (right, low), label, via=[(left, high), (right, high)], **style)


def feed_back(ax, output, state, **style):
    """The dashed arrow by which an output is handed to the state of the next step."""
    arrow(ax, output.at(1.06, -1), state.at(-1.06, 1), dashed=True, **style)


def brace_path(start, end, base, sign, depth):
    """A curly brace from start to end along one axis, at height base of the other, its tip on the side of the sign."""
    middle, half, tip = (start + end) / 2, base + sign * depth / 2, base + sign * depth
    bend = min(0.14, (end - start) / 4)
    points = [
        (start, base),
        (start, half),
        (start + bend, half),
        (middle - bend, half),
        (middle, half),
        (middle, tip),
        (middle, half),
        (middle + bend, half),
        (end - bend, half),
        (end, half),
        (end, base),
    ]
    return Path(points, [Path.MOVETO, 3, 3, Path.LINETO, 3, 3, 3, 3, Path.LINETO, 3, 3])


def brace(ax, left, right, y, label, size=TEXT, color=INK, above=False, depth=0.16):
    """A curly brace from left to right, its ends at height y, with a label beyond its tip."""
    sign = 1 if above else -1
    path = brace_path(left, right, y, sign, depth)
    ax.add_patch(PathPatch(path, facecolor="none", edgecolor=color, linewidth=1.8, capstyle="round"))
    lines = label.count("\n") + 1
    write(ax, (left + right) / 2, y + sign * (depth + 0.1 + 0.0087 * size * lines), label, size, color)


def brace_right(ax, low, high, x, label, size=TEXT, color=INK, depth=0.16):
    """A curly brace from low to high, open to the left, with a label to the right of its tip."""
    path = brace_path(low, high, x, 1, depth)
    turned = Path(path.vertices[:, ::-1], path.codes)
    ax.add_patch(PathPatch(turned, facecolor="none", edgecolor=color, linewidth=1.8, capstyle="round"))
    write(ax, x + depth + 0.12, (low + high) / 2, label, size, color, ha="left")


def ellipsis(ax, x, y, color=INK):
    """Three dots: and so on."""
    for dx in (-0.16, 0, 0.16):
        ax.add_patch(Circle((x + dx, y), 0.04, color=color, linewidth=0))


def token(ax, x, y, text, role="input", size=TEXT, width=None, height=0.44):
    """A word in a box as wide as the word needs; role None: an empty place that is still to be filled."""
    width = width or width_of(text, size) + 0.26
    if role is None:
        style = {"facecolor": "white", "edgecolor": MUTED, "linewidth": 1.8, "linestyle": (0, (3, 2)), "zorder": 3}
        ax.add_patch(Rectangle((x - width / 2, y - height / 2), width, height, **style))
        write(ax, x, y, text, size, MUTED)
        return Node(x, y, width, height)
    return node(ax, x, y, text, role, width, height, size, scale=0.75)


def tokens(ax, left, y, words, role="input", gap=0.1, **style):
    """A row of words in boxes, from left to right; returns their nodes."""
    nodes = []
    for word in words:
        width = width_of(word, style.get("size", TEXT)) + 0.26
        nodes.append(token(ax, left + width / 2, y, word, role, width=width, **style))
        left += width + gap
    return nodes


def pixels(ax, x, y, rows, height=0.8, color=INK):
    """A picture of rows of characters around (x, y): '#' is dark, all else light."""
    side, columns = height / len(rows), len(rows[0])
    for i, row in enumerate(rows):
        for j, mark in enumerate(row):
            corner = (x + (j - columns / 2) * side, y + height / 2 - (i + 1) * side)
            shade = color if mark == "#" else "#F0F0F0"
            ax.add_patch(Rectangle(corner, side, side, facecolor=shade, edgecolor="white", linewidth=0.8))
    return Node(x, y, columns * side, height)


def row_of_symbols(ax, xs, y, letter, words, role, box, scale):
    """One box for each word that is not None, with its symbol, numbered if there are several; miniatures have none."""
    places = [i for i, word in enumerate(words) if word is not None]
    nodes = [None] * len(words)
    for number, i in enumerate(places, start=1):
        symbol = f"${letter}_{number}$" if len(places) > 1 else f"${letter}$"
        nodes[i] = node(ax, xs[i], y, symbol if scale == 1 else "", role, *box, scale=scale)
    return nodes


def unrolled(ax, left, inputs, outputs, feedback=False, pitch=1.15, rows=ROWS, box=(0.74, 0.52), scale=1):
    """A network x → h → y drawn step by step from left to right.

    Args:
        ax: the canvas.
        left: x of the first step's centre.
        inputs, outputs: a word per step, written under x and over y; None where a step has none.
        feedback: each output is handed to the next step.
        pitch: distance between steps.
        rows: heights of x, h and y.
        box: width and height of a box.
        scale: below 1 draws a miniature without symbols and words.

    Returns:
        three lists of nodes, for x, h and y; None where a step has none.
    """
    columns = [left + pitch * i for i in range(len(inputs))]
    kinds = zip(rows, "xhy", (inputs, [""] * len(inputs), outputs), ("input", "state", "output"))
    xs, hs, ys = (row_of_symbols(ax, columns, *kind, box, scale) for kind in kinds)
    for start, end in [*zip(xs, hs), *zip(hs, hs[1:]), *zip(hs, ys)]:
        if start and end:
            arrow(ax, start, end, parameter=True, scale=scale)
    for output, state in zip(ys, hs[1:]):
        if feedback and output:
            feed_back(ax, output, state, scale=scale)
    for x, given, made in zip(columns, inputs, outputs):
        write(ax, x, rows[0] - box[1] / 2 - 0.24, given or "")
        write(ax, x, rows[2] + box[1] / 2 + 0.24, made or "")
    return xs, hs, ys


def sides(ax, x, inputs, outputs, rows=ROWS):
    """Name the three rows of an unrolled network at its left: how many inputs, the state, how many outputs."""
    for y, name, count in zip(rows, ("input", "state", "output"), (inputs, "", outputs)):
        write(ax, x, y + 0.15 * bool(count), name, TEXT, name, ha="left", bold=True)
        write(ax, x, y - 0.15, count, TEXT, ha="left")


def chain(ax, xs, y, labels, backward=False, width=0.8, height=0.5, size=TEXT, **style):
    """States at height y, each handed to the next, or to the one before it if backward; returns their nodes."""
    states = [node(ax, x, y, label, "state", width, height, size, **style) for x, label in zip(xs, labels)]
    order = states[::-1] if backward else states
    for before, after in zip(order, order[1:]):
        arrow(ax, before, after, parameter=True, color=BACKWARD if backward else None)
    return states


def two_chains(ax, xs, inputs, low, high, aside=0.4, **style):
    """A forward chain at height low and a backward chain at height high, both fed by the inputs below them.

    The forward states stand a little to the left of their inputs, the backward states a little to the right, so that
    every arrow upwards is straight. Returns the forward and the backward states.
    """
    chains = []
    for backward, y, dx in ((False, low, -aside), (True, high, aside)):
        labels = [f"${over('h', t, backward)}$" for t in range(1, len(xs) + 1)]
        chains.append(chain(ax, [x + dx for x in xs], y, labels, backward, **style))
        for given, state in zip(inputs, chains[-1]):
            color = BACKWARD if backward else None
            arrow(ax, given._replace(x=state.x), state, parameter=True, color=color)
    return chains


def pairs(ax, xs, inputs, y, mark="", half=0.42, width=0.84, size=TEXT):
    """One bidirectional layer, drawn compactly: at each step the backward state lies on top of the forward state.

    Returns the forward states, the backward states and the frames around the pairs; both states read what is below.
    """
    frames = []
    for x, given in zip(xs, inputs):
        frames.append(Node(x, y, width + 0.14, 2 * half + 0.2))
        for dx, color in ((-0.2, None), (0.2, BACKWARD)):
            arrow(ax, *(box._replace(x=x + dx) for box in (given, frames[-1])), parameter=True, color=color)
        corner = frames[-1].at(-1, -1)
        style = {"facecolor": "#F3F3F3", "edgecolor": MUTED, "linewidth": 1.4, "zorder": 1}
        ax.add_patch(Rectangle(corner[:2], frames[-1].width, frames[-1].height, **style))
    states = []
    for backward in (False, True):
        height = y + (half / 2 + 0.03) * (1 if backward else -1)
        labels = [f"${over('h', t, backward)}{mark}$" for t in range(1, len(xs) + 1)]
        states.append(chain(ax, xs, height, labels, backward, width, half, size, scale=0.8))
    return *states, frames
