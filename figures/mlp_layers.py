"""A feed-forward network of L layers."""

from draw import SYMBOL, TEXT, Node, arrow, canvas, ellipsis, node, operation, write

MIDDLE = 1.95


def layer(ax, x, units, role, name, function):
    """A column of units with the layer's name below and its function above."""
    box = node(ax, x, MIDDLE, "", role, 0.56, 0.44 * units + 0.12)
    for i in range(units):
        operation(ax, x, MIDDLE + 0.44 * (i - (units - 1) / 2), "", role, 0.15)
    write(ax, x, 0.38, name, SYMBOL)
    write(ax, x, 3.5, function, SYMBOL if function.startswith("$") else TEXT)
    return box


def mlp_layers():
    """A feed-forward network from left to right: the input x is h^0; weights W_1 and function f_1 make layer h^1 of it,
    W_2 and f_2 make h^2, and so on to W_L, f_L and the last layer h^L; weights theta and a softmax make the output
    y-hat of h^L. Each layer is a column of units."""
    ax = canvas(10, 3.8)
    x = layer(ax, 0.8, 4, "input", "$h^0 = x$", "")
    first = layer(ax, 2.55, 5, "state", "$h^1$", "$f_1$")
    second = layer(ax, 4.3, 5, "state", "$h^2$", "$f_2$")
    last = layer(ax, 7.2, 5, "state", "$h^L$", "$f_L$")
    output = layer(ax, 9.0, 3, "output", r"$\hat{y}$", "softmax")
    ellipsis(ax, 5.1, MIDDLE)
    dots = Node(5.5, MIDDLE)
    for start, end, weights in [(x, first, "$W_1$"), (first, second, "$W_2$"), (dots, last, "$W_L$")]:
        arrow(ax, start, end, weights, parameter=True)
    arrow(ax, last, output, r"$\theta$", parameter=True)
    return ax.figure
