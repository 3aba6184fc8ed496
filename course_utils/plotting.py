"""One look for the whole course: its colours, its style sheet, and `show`."""

import json
import warnings
from base64 import b64encode
from hashlib import sha256
from html import escape
from io import BytesIO
from pathlib import Path
from string import Template

import matplotlib.pyplot as plt
from IPython.display import HTML, display
from matplotlib.text import Text
from PIL import Image

# One colour per idea: first the parts of a network, then the models. All are dark enough for text on white, and
# those of one picture stay apart for colour-blind readers: tests/test_colours.py computes both.
COLOR = {
    "input": "#0072BA",
    "state": "#A83000",
    "output": "#005C44",
    "parameter": "#123668",
    "gate": "#947010",
    "gradient": "#B02E92",
    "ngram": "#6A7C18",
    "window": "#0F8096",
    "rnn": "#C2125A",
    "gru": "#9E2EC9",
    "lstm": "#30228C",
    "baseline": "#636363",
    "floor": "#000000",
    "ink": "#222222",
}
# How a model is drawn, ax.plot(x, y, **LINE["lstm"]): beside its colour a dash and a marker of its own, so that the
# lines of a plot are told apart without colour, too.
LINE = {
    model: {"color": COLOR[model], "linestyle": dash, "marker": marker}
    for model, dash, marker in [
        ("ngram", (0, (6, 2)), "s"),
        ("window", "-.", "^"),
        ("rnn", "--", "v"),
        ("gru", (0, (6, 1, 1, 1, 1, 1)), "D"),
        ("lstm", "-", "o"),
        ("baseline", (0, (1, 3)), ""),
        ("floor", ":", ""),
    ]
}


def use_course_style():
    """Switch matplotlib to the course's style sheet; a character that its font lacks is drawn as a box, unannounced."""
    warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from")
    plt.style.use(Path(__file__).with_name("course.mplstyle"))


def show(figure, message):
    """Display a figure once, with its message as visible caption; the alternative text names its axes as well.

    Args:
        figure: a matplotlib Figure; it is closed afterwards.
        message: one sentence that states what the figure shows.

    Raises:
        ValueError: if the message is empty.
    """
    if not message.strip():
        raise ValueError("show(figure, message) needs a message: one sentence that states the finding")
    # PNG, since JupyterLab shows SVG in trusted notebooks only. A deck shows 860 pixels as 960: these are twice that.
    # All colours would take three times the space of 256, by which the course's plots change 11 of 255 at most.
    picture = _pixels(figure, 2.25).quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    width, height = (round(inches * figure.dpi) for inches in figure.get_size_inches())
    about = {"alt": _in_words(figure, message), "width": width, "height": height, "smallest_text": _smallest(figure)}
    bundle = {"image/png": _base64(picture, format="png", optimize=True), "text/plain": message}
    display(bundle, metadata={"image/png": about}, raw=True)
    display(HTML(f'<p class="caption"><em>{escape(message)}</em></p>'))


def show_film(figures, labels, message):
    """Display figures of one size as a film with a button and a slider, and its message as caption.

    The film waits for the button. Where scripts do not run, as on paper or in a notebook that is not
    trusted, the first picture stands.

    Args:
        figures: iterable of matplotlib Figures, the pictures in order; each is closed afterwards.
        labels: what to write beside the slider for each picture.
        message: one sentence that states what the film shows.

    Raises:
        ValueError: if the message or the film is empty, or if pictures and labels differ in number.
    """
    pictures = [_pixels(figure, 2) for figure in figures]
    if not (message.strip() and pictures and len(pictures) == len(labels)):
        raise ValueError("show_film(figures, labels, message) needs figures, as many labels, and a message")
    labels, frames = [str(label) for label in labels], [_webp(picture) for picture in pictures]
    fields = {"message": escape(message), "last": len(frames) - 1, "first": frames[0], "label": escape(labels[0])}
    fields |= {"width": pictures[0].width // 2, "height": pictures[0].height // 2}
    fields |= {"others": _in_script(frames[1:]), "labels": _in_script(labels)}
    # Named by what it shows: the films of two notebooks that are open side by side do not mix.
    name = f"film-{sha256(repr(fields).encode()).hexdigest()[:12]}"
    display(HTML(FILM.substitute(fields, name=name)))


FILM = Template(Path(__file__).with_name("film.html").read_text(encoding="utf-8"))


def _in_script(values):
    """Values as JavaScript; within an HTML page a script would end at the first "</script>" in a string."""
    return json.dumps(values).replace("<", r"\u003c")


def _pixels(figure, sharpness):
    """The figure, which is closed, as a picture with so many pixels for each one that is shown."""
    full = BytesIO()
    figure.savefig(full, format="png", dpi=sharpness * figure.dpi)
    plt.close(figure)
    return Image.open(full).convert("RGB")


def _in_words(figure, message):
    """The message after the names of the axes, for those who cannot see the figure."""
    labels = [(ax.get_ylabel(), ax.get_xlabel()) for ax in figure.axes]
    plots = dict.fromkeys(" against ".join(filter(None, names)) for names in labels if any(names))
    axes = " ".join("; ".join(plots).replace("$", "").split())
    return f"Plot of {axes}. {message}" if axes else message


def _smallest(figure):
    """The height in pixels, as the figure is shown, of the smallest letters that have been drawn in it."""
    written = (text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip())
    return round(min((text.get_fontsize() for text in written), default=0) * figure.dpi / 72, 1)


def _webp(picture):
    """A picture as an address that holds it, without loss."""
    return f"data:image/webp;base64,{_base64(picture, format='webp', lossless=True, quality=80)}"


def _base64(picture, **options):
    """A picture as base64 text of a file."""
    small = BytesIO()
    picture.save(small, **options)
    return b64encode(small.getvalue()).decode()
