"""Greedy decoding and a beam of two on a tree of two steps."""

from draw import FAINT, MUTED, SMALL, TEXT, arrow, canvas, node, width_of, write
from matplotlib.patches import Rectangle

END = "END"
FIRST = {"a": 0.6, "b": 0.4}
SECOND = {"a": {"a": 0.4, "b": 0.3, END: 0.3}, "b": {"a": 0.05, "b": 0.9, END: 0.05}}
LEAVES = {(one, two): FIRST[one] * p for one in SECOND for two, p in SECOND[one].items()}
BEAM = sorted(LEAVES, key=LEAVES.get, reverse=True)[:2]  # both first words are in a beam of two, so it sees all leaves
FIRST_WORD = max(FIRST, key=FIRST.get)
GREEDY = FIRST_WORD, max(SECOND[FIRST_WORD], key=SECOND[FIRST_WORD].get)
START, MIDDLE, LEAF = 0.62, 2.5, 4.75
SHARE = 0.58  # where on its way an edge has its probability
HEIGHTS = [3.02, 2.48, 1.94, 1.4, 0.86, 0.32]


def branch(ax, parent, child, p, kept, greedy):
    """An edge with its probability: kept by the beam or not, and a dashed one beside it if greedy takes it."""
    start, end = parent.at(1, 0), child.at(-1, 0)
    if greedy:
        arrow(ax, start, end, color="gate", dashed=True, scale=1.8)
    else:
        arrow(ax, start, end, color="input" if kept else FAINT)
    x, y = start.x + SHARE * (end.x - start.x), start.y + SHARE * (end.y - start.y)
    width = width_of(f"{p:g}", SMALL) + 0.1
    ax.add_patch(Rectangle((x - width / 2, y - 0.13), width, 0.26, color="white", zorder=3, linewidth=0))
    write(ax, x, y, f"{p:g}", SMALL)


def word(ax, x, y, text, kept):
    """A box with a word; what the beam keeps is filled."""
    return node(ax, x, y, text, "input" if kept else FAINT, 0.76, 0.42, TEXT, strength=0.3 if kept else 0.12)


def greedy_and_beam():
    """A tree of two steps. From the start: a with 0.6, b with 0.4. After a: a 0.4, b 0.3, END 0.3; after b: a 0.05, b
    0.9, END 0.05. The products: aa 0.24, ab 0.18, a END 0.18, ba 0.02, bb 0.36, b END 0.02. The greedy path, dashed,
    ends at aa with 0.24. A beam of two keeps a and b, then bb and aa: filled boxes. The best, bb with 0.36, is found by
    the beam and missed by greedy."""
    ax = canvas(10, 3.8)
    for x, name in ((START, "start"), (MIDDLE, "step 1"), (LEAF, "step 2"), (6.5, "product")):
        write(ax, x, 3.58, name, SMALL, bold=True)
    start = word(ax, START, sum(HEIGHTS) / 6, "BOS", True)
    heights = iter(HEIGHTS)
    for one, p in FIRST.items():
        ys = [next(heights) for _ in SECOND[one]]
        parent = word(ax, MIDDLE, ys[1], one, True)
        branch(ax, start, parent, p, True, one == GREEDY[0])
        for y, (two, q) in zip(ys, SECOND[one].items()):
            path = one, two
            leaf = word(ax, LEAF, y, two, path in BEAM)
            branch(ax, parent, leaf, q, path in BEAM, path == GREEDY)
            write(ax, 5.3, y, f"{p:g} × {q:g} = {LEAVES[path]:.2f}", TEXT, "ink" if path in BEAM else MUTED, ha="left",
                  bold=path == BEAM[0])  # fmt: skip
    remarks = {GREEDY: "greedy ends here,\nkept by the beam", BEAM[0]: "the best: kept\nby the beam,\nmissed by greedy"}
    for path, y in zip(LEAVES, HEIGHTS):
        if path in remarks:
            write(ax, 7.75, y, remarks[path], SMALL, ha="left")
    arrow(ax, (0.1, 3.02), (0.72, 3.02), color="gate", dashed=True, scale=1.8)
    write(ax, 0.8, 3.02, "greedy", SMALL, ha="left")
    node(ax, 0.34, 0.36, "", "input", 0.46, 0.34, strength=0.3)
    write(ax, 0.68, 0.36, "kept by a\nbeam of 2", SMALL, ha="left")
    return ax.figure
