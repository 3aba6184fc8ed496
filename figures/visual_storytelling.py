"""Visual storytelling: five pictures in, a story of five sentences out."""

import numpy as np
from draw import BACKWARD, COLOR, SMALL, TEXT, arrow, canvas, node, tint, token, write
from matplotlib.patches import Circle, Polygon, Rectangle

COLUMNS = [2.4 + 1.7 * i for i in range(5)]
PICTURE, CNN, ENCODER, DECODER, SENTENCE = 0.36, 1.2, 1.97, 2.75, 3.52


def frame(ax, x):
    """An empty picture."""
    box = node(ax, x, PICTURE, "", "input", 0.92, 0.64, scale=0.75)
    return box


def pictograms(ax):
    """Five pictures of a day: a house, a car on the road, a tree, the sea under the sun, the moon at night."""
    boxes = [frame(ax, x) for x in COLUMNS]
    ink, style = COLOR["ink"], {"zorder": 4, "linewidth": 0}
    house, car, tree, sea, night = COLUMNS
    ax.add_patch(Rectangle((house - 0.18, PICTURE - 0.22), 0.36, 0.24, color=ink, **style))
    roof = [(house - 0.27, PICTURE + 0.02), (house + 0.27, PICTURE + 0.02), (house, PICTURE + 0.25)]
    ax.add_patch(Polygon(roof, color=ink, **style))
    ax.add_patch(Rectangle((car - 0.3, PICTURE - 0.12), 0.6, 0.14, color=ink, **style))
    cabin = [(car + dx, PICTURE + dy) for dx, dy in ((-0.2, 0.02), (-0.11, 0.17), (0.11, 0.17), (0.2, 0.02))]
    ax.add_patch(Polygon(cabin, color=ink, **style))
    for dx in (-0.16, 0.16):
        ax.add_patch(Circle((car + dx, PICTURE - 0.14), 0.08, fc=ink, ec="white", zorder=4, linewidth=1.5))
    ax.add_patch(Rectangle((tree - 0.04, PICTURE - 0.25), 0.08, 0.2, color=ink, **style))
    crown = [(tree - 0.22, PICTURE - 0.08), (tree + 0.22, PICTURE - 0.08), (tree, PICTURE + 0.26)]
    ax.add_patch(Polygon(crown, color=ink, **style))
    ax.add_patch(Circle((sea + 0.2, PICTURE + 0.12), 0.1, color=ink, **style))
    for dy in (-0.08, -0.2):
        xs = np.linspace(-0.36, 0.36, 40)
        ax.plot(sea + xs, PICTURE + dy + 0.035 * np.sin(xs * 26), color=ink, linewidth=2, zorder=4)
    ax.add_patch(Circle((night, PICTURE), 0.2, color=ink, **style))
    ax.add_patch(Circle((night + 0.1, PICTURE + 0.06), 0.17, color=tint("input"), **style))
    return boxes


def visual_storytelling():
    """Five pictures, each through the same CNN to a vector. A GRU encoder reads the five vectors from the last picture
    to the first; its last state starts a GRU decoder, which writes the story word by word: sentence 1 to sentence 5."""
    ax = canvas(10, 3.8)
    rows = {"pictures": PICTURE, "same CNN": CNN, "GRU encoder": ENCODER, "GRU decoder": DECODER, "story": SENTENCE}
    for name, y in rows.items():
        write(ax, 0.1, y, name, SMALL, ha="left", bold=True)
    pictures, encoder, decoder = pictograms(ax), [], []
    for i, (x, picture) in enumerate(zip(COLUMNS, pictures), start=1):
        cnn = node(ax, x, CNN, "CNN", "parameter", 0.8, 0.38, SMALL, scale=0.75)
        encoder.append(node(ax, x, ENCODER, f"$h_{i}$", "state", 1.04, 0.42, TEXT))
        arrow(ax, picture, cnn)
        arrow(ax, cnn, encoder[-1], parameter=True)
        sentence = token(ax, x, SENTENCE, f"sentence {i}", "output", SMALL, 1.3)
        for dx in (-0.4, 0, 0.4):  # the states of a sentence: one for each word
            decoder.append(node(ax, x + dx, DECODER, "", "state", 0.24, 0.38, scale=0.8))
            arrow(ax, decoder[-1], sentence._replace(x=x + dx), parameter=True, color=BACKWARD, scale=0.7)
    for left, right in zip(encoder, encoder[1:]):
        arrow(ax, right, left, parameter=True)
    for left, right in zip(decoder, decoder[1:]):
        arrow(ax, left, right, parameter=True, color=BACKWARD, scale=0.5)
    arrow(ax, encoder[0]._replace(x=decoder[0].x), decoder[0], parameter=True, color=BACKWARD)
    return ax.figure
