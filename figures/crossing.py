"""Which English and German number words belong together: two of the lines cross."""

from draw import COLOR, MUTED, SMALL, canvas, token, write

ENGLISH = {"three": 2.5, "hundred": 4.3, "twenty": 6.1, "one": 7.9}
GERMAN = {"drei": 2.2, "hundert": 3.8, "ein": 5.4, "und": 6.9, "zwanzig": 8.4}
PARTNERS = {"three": "drei", "hundred": "hundert", "twenty": "zwanzig", "one": "ein"}
STYLES = {"twenty": ("gate", "-"), "one": ("gradient", (0, (3, 1.2)))}  # the two that cross
UP, LOW = 2.5, 0.9


def crossing():
    """Above the English words three hundred twenty one, below the German morphemes drei hundert ein und zwanzig. Lines
    join three and drei, hundred and hundert, twenty and zwanzig, one and ein. The lines of twenty and one cross. The
    word und has no partner."""
    ax = canvas(10, 3.1)
    for y, name in ((UP, "English"), (LOW, "German")):
        write(ax, 0.1, y, name, ha="left", bold=True)
    above = {word: token(ax, x, UP, word, "input", width=1.3, height=0.5) for word, x in ENGLISH.items()}
    below = {}
    for word, x in GERMAN.items():
        role = "output" if word in PARTNERS.values() else None
        below[word] = token(ax, x, LOW, word, role, width=1.3, height=0.5)
    for english, german in PARTNERS.items():
        start, end = above[english].at(0, -1), below[german].at(0, 1)
        color, line = STYLES.get(english, ("baseline", "-"))
        from_to = [start.x, end.x], [start.y - 0.05, end.y + 0.05]
        ax.plot(*from_to, color=COLOR[color], linestyle=line, linewidth=5, solid_capstyle="round")
    write(ax, GERMAN["und"], 0.36, "no partner", SMALL, MUTED)
    write(ax, 9.9, 1.7, "units before tens:\nthe lines cross", SMALL, ha="right")
    return ax.figure
