"""The LSTM cell, built up in four stages; the fourth, the output, completes it."""

from draw import COLOR, INK, MUTED, TEXT, arrow, canvas, node, operation, write
from matplotlib.patches import Circle

FORGET, SELECT, UPDATE, OUTPUT = 1, 2, 3, 4
CELL, PRODUCT, GATE, BUS = 3.82, 3.0, 2.08, 1.12  # heights: the line of c, i ⊙ g, the gates, the line of h
F, I, G, O, END = 3.25, 4.45, 5.65, 6.95, 8.15  # columns: the four gates, and what leaves the cell
LATER = "#CCCCCC"


class Cell:
    """The canvas at one stage: what the stage adds is coloured, what came before is ink, what comes later is pale."""

    def __init__(self, stage):
        self.stage, self.ax = stage, canvas(10, 4.3)

    def shade(self, stage, role):
        """The colour of a part that a stage adds, if its role has that colour."""
        return COLOR[role] if stage == self.stage else LATER if stage > self.stage else INK

    def letters(self, stage):
        """The colour of what is written at a part: it can be read at every stage."""
        return MUTED if stage > self.stage else INK

    def write(self, x, y, text, stage, **style):
        """A name beside a part."""
        write(self.ax, x, y, text, color=self.letters(stage), **style)

    def box(self, x, y, label, role, stage):
        """A gate or a state; a state keeps its colour."""
        coloured = stage == self.stage or (role == "state" and stage < self.stage)
        style = {"strength": 0.2 * coloured, "color": self.letters(stage)}
        return node(self.ax, x, y, label, role if coloured else self.shade(stage, role), 0.9, 0.52, TEXT, **style)

    def operate(self, x, y, symbol, stage, radius=0.2):
        """An elementwise operation."""
        return operation(self.ax, x, y, symbol, self.shade(stage, "gate"), radius, self.letters(stage))

    def flow(self, start, end, stage, via=()):
        """A value on its way."""
        arrow(self.ax, start, end, via=via, color=self.shade(stage, "gate"), scale=1.3 if stage == self.stage else 1)

    def gate(self, left, x, function, letter, stage):
        """A gate with its weights; the line of [x; h] is drawn on to it from the left."""
        width = 2.9 if stage == self.stage else 2.2
        self.ax.plot([left, x], [BUS, BUS], color=self.shade(stage, "gate"), linewidth=width, zorder=1)
        box = self.box(x, GATE, function, "gate", stage)
        arrow(self.ax, (x, BUS - 0.02), box, parameter=True, color=LATER if stage > self.stage else None)
        self.write(x + 0.2, BUS + 0.3, f"$W_{letter}$", stage, ha="left")
        return box


def lstm(stage, name, meaning):
    """The cell at one of the four stages, with the stage's name and meaning below it."""
    cell = Cell(stage)
    before = node(cell.ax, 0.6, CELL, "$c_{t-1}$", "state", 1.0, 0.52, TEXT)
    hidden = node(cell.ax, 0.6, BUS, "$h_{t-1}$", "state", 1.0, 0.52, TEXT)
    given = node(cell.ax, 2.12, 0.29, "$x_t$", "input", 0.9, 0.48, TEXT)
    both = node(cell.ax, 2.12, BUS, r"$[x_t;\,h_{t-1}]$", "ink", 1.36, 0.52, TEXT, strength=0)
    arrow(cell.ax, hidden, both)
    arrow(cell.ax, given, both)

    f = cell.gate(2.86, F, r"$\sigma$", "f", FORGET)
    keep = cell.operate(F, CELL, "×", FORGET)
    cell.flow(before, keep, FORGET)
    cell.flow(f, keep, FORGET)
    cell.write(F + 0.17, PRODUCT, "$f$", FORGET, ha="left")

    i, g = cell.gate(F, I, r"$\sigma$", "i", SELECT), cell.gate(I, G, "tanh", "g", SELECT)
    select = cell.operate(G, PRODUCT, "×", SELECT)
    cell.flow(i, select, SELECT, via=[(I, PRODUCT)])
    cell.flow(g, select, SELECT)
    cell.write(I - 0.15, 2.64, "$i$", SELECT, ha="right")
    cell.write(G + 0.19, 2.57, "$g$", SELECT, ha="left")

    add = cell.operate(G, CELL, "+", UPDATE)
    after = cell.box(9.38, CELL, "$c_t$", "state", UPDATE)
    for start, end in [(keep, add), (select, add), (add, after)]:
        cell.flow(start, end, UPDATE)
    cell.write((F + G) / 2, CELL + 0.25, r"$f \odot c_{t-1}$", FORGET)
    cell.write(G + 0.22, (CELL + PRODUCT) / 2 - 0.02, r"$i \odot g$", SELECT, ha="left")

    o = cell.gate(G, O, r"$\sigma$", "o", OUTPUT)
    squash = cell.operate(END, CELL - 0.73, "tanh", OUTPUT, 0.34)
    show = cell.operate(END, GATE, "×", OUTPUT)
    new = cell.box(9.38, BUS, "$h_t$", "state", OUTPUT)
    for start, end in [((END, CELL - 0.03), squash), (squash, show), (o, show)]:
        cell.flow(start, end, OUTPUT)
    cell.flow(show, new, OUTPUT, via=[(END, BUS)])
    if stage == OUTPUT:
        cell.ax.add_patch(Circle((END, CELL), 0.07, color=COLOR["gate"], linewidth=0, zorder=3))
    cell.write((O + END) / 2 + 0.12, GATE + 0.22, "$o$", OUTPUT)
    cell.write(END + 0.19, GATE + 0.45, r"$\tanh(c_t)$", OUTPUT, ha="left")

    write(cell.ax, F - 0.08, 0.56, name, ha="left", bold=True)
    write(cell.ax, F - 0.08, 0.23, meaning, ha="left")
    return cell.ax.figure


def lstm_output():
    """The complete LSTM cell; the output is coloured. The joined [x_t; h_{t-1}] feeds the output gate o by W_o and a
    sigmoid. A tap on the line of c leads c_t through tanh; the product of o and tanh(c_t) is h_t. Drawn in ink are the
    earlier stages: the forget gate f times c_{t-1}, the input gate i times the candidate g, and their sum c_t."""
    return lstm(OUTPUT, "4  output", r"$o$: which share of $\tanh(c_t)$ is shown as $h_t$")
