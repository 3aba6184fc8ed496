# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   course:
#     run: 1
# ---

# %% [markdown]
# # 5 · Deeper: one GRU, three conventions
#
# > "With the update gate at 0 the state is kept." In half of the books this is wrong, and no error message says so.
#
# **You will** translate GRU weights between three conventions, see where translation is impossible, and meet relatives of the LSTM: peepholes, coupled gates, stacks.<br>
# **You need** notebook 5 (LSTM, GRU).<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %%
import math

import numpy as np
import torch
from ipywidgets import FloatSlider, interact
from torch import nn

from course_utils import check, setup, show_table  # not found? Open it in the folder of the course
from course_utils.taught.lstm_gru import gru, gru_step  # derived in notebook 5

setup(seed=0)

# %% [markdown]
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x_t$, $h_t$ | `x_t`, `h` | `(B, E)`, `(B, H)` | input at step $t$, state after it |
# | $u_t$ | `u` | `(B, H)` | update gate where a *small* one keeps |
# | $z_t$ | `z` | `(B, H)` | update gate where a *large* one keeps: $1 - u_t$ |
# | $r_t$, $\tilde h_t$ | `r`, `candidate` | `(B, H)` | reset gate and candidate |
# | $W_u, b_u$, … | `W_u`, `b_u`, … | `(E + H, H)`, `(H,)` | weights of a gate or of the candidate |
# | $U$ | `U` | `(H, H)` | the rows of the candidate's weights that belong to the state |

# %% [markdown]
# ## Three conventions
#
# | who | new state | keeps when | reset gate |
# |---|---|---|---|
# | the lecture CS224n; Chung et al. 2014 | $(1 - u) \odot h_{t-1} + u \odot \tilde h_t$ | $u$ is **small** | inside: $\tanh(x_t W_x + (r \odot h_{t-1})\, U + b_h)$ |
# | Cho et al. 2014 | $z \odot h_{t-1} + (1 - z) \odot \tilde h_t$ | $z$ is **large** | inside |
# | `torch.nn.GRU`; notebooks 4 and 5 | $z \odot h_{t-1} + (1 - z) \odot \tilde h_t$ | $z$ is **large** | outside: $\tanh(x_t W_x + b_h + r \odot (h_{t-1} U + b'))$ |
#
# **Predict:** which rows can be translated into each other?
#
# <details><summary>Answer</summary>The first two: they differ by the name of a gate. The third has the reset gate at another place, and that makes another family of functions.</details>

# %% tags=["topic-E2"]
def gate(x_t, h, W, b):
    """A gate (B, H) from input x_t (B, E) and state h (B, H)."""
    return torch.sigmoid(torch.cat([x_t, h], dim=1) @ W + b)


def gru_cs224n(x_t, h, W_u, W_r, W_h, b_u, b_r, b_h):
    """One step as in CS224n: small u keeps, reset inside the product."""
    u, r = gate(x_t, h, W_u, b_u), gate(x_t, h, W_r, b_r)
    candidate = torch.tanh(torch.cat([x_t, r * h], dim=1) @ W_h + b_h)
    return (1 - u) * h + u * candidate


def gru_cho(x_t, h, W_z, W_r, W_h, b_z, b_r, b_h):
    """One step as in Cho et al. 2014: large z keeps, reset inside the product."""
    z, r = gate(x_t, h, W_z, b_z), gate(x_t, h, W_r, b_r)
    candidate = torch.tanh(torch.cat([x_t, r * h], dim=1) @ W_h + b_h)
    return z * h + (1 - z) * candidate

# %% [markdown]
# The third row is `gru_step` of notebook 5. To give it the same kind of weights, gate by gate, they are put side by side in PyTorch's order r, z, n. One bias more stands inside the reset, so it cannot be merged with $b_h$:

# %% tags=["topic-E2"]
def gru_torch(x_t, h, W_z, W_r, W_h, b_z, b_r, b_h, b_state):
    """One step as in torch.nn.GRU: large z keeps, reset outside the product."""
    W_x, U = torch.cat([W_r, W_z, W_h], dim=1).split([x_t.shape[1], h.shape[1]])
    b = torch.cat([b_r, b_z, b_h])
    return gru_step(x_t, h, W_x, U, b, torch.cat([torch.zeros_like(b_r), torch.zeros_like(b_z), b_state]))

# %% [markdown]
# Outside, all products with $h_{t-1}$ can be computed at once, before the gates are known: this is faster, and the reason for it. PyTorch's documentation says itself that its candidate differs from the original paper.
#
# ### Equal to `torch.nn.GRU`, gradients and all
#
# Our cell is fed slices of PyTorch's own parameters, so both gradients arrive at the same tensors:

# %% tags=["topic-E2", "nbval-check-output"]
B, T, E, H = 3, 7, 4, 5
theirs = nn.GRU(E, H, batch_first=True).double()
x, h_0, direction = (torch.randn(shape).double().requires_grad_() for shape in ((B, T, E), (B, H), (B, T, H)))
W_r, W_z, W_h = torch.cat([theirs.weight_ih_l0, theirs.weight_hh_l0], dim=1).T.chunk(3, dim=1)
(b_r, b_z, b_h), (b_r2, b_z2, b_state) = theirs.bias_ih_l0.chunk(3), theirs.bias_hh_l0.chunk(3)
ours = gru(x, h_0, gru_torch, W_z, W_r, W_h, b_z + b_z2, b_r + b_r2, b_h, b_state)
by_torch = theirs(x, h_0[None])[0]


def largest_gap(one, two, leaves):
    """The largest difference between two results, and between the gradients of the same random sum of each."""
    both = [[a, *torch.autograd.grad((a * direction).sum(), leaves, retain_graph=True)] for a in (one, two)]
    return max((a - b).abs().max().item() for a, b in zip(*both))


gap = largest_gap(ours, by_torch, [x, h_0, *theirs.parameters()])
print(f"states and six gradients: largest difference {gap:.12f}")

# %% [markdown]
# ## From CS224n to Cho: negate one gate
#
# $1 - \sigma(a) = \sigma(-a)$, so the update gate's weights *and* bias change their sign, nothing else. Forgetting the bias is the classic slip: it shifts the gate's pre-activation by twice the bias.

# %% tags=["topic-E2", "nbval-check-output"]
def negated(weights):
    """The weights of a GRU in the other convention of the update gate; works in both directions."""
    W_u, W_r, W_h, b_u, *rest = weights
    return [-W_u, W_r, W_h, -b_u, *rest]


weights = [torch.randn(shape).double().requires_grad_() for shape in 3 * [(E + H, H)] + 3 * [(H,)]]
one, two = gru(x, h_0, gru_cs224n, *weights), gru(x, h_0, gru_cho, *negated(weights))
gap = largest_gap(one, two, [x, h_0, *weights])
print(f"CS224n against Cho with one gate negated, states and eight gradients: largest difference {gap:.12f}")

# %% [markdown]
# ## Inside or outside?
#
# Unit $j$ of the candidate gets, apart from input and biases,
#
# $$\text{inside: } \sum_k r_k\, h_k\, U_{kj} \qquad \text{outside: } r_j \sum_k h_k\, U_{kj}$$
#
# Inside, unit $j$ hears each neighbour through that neighbour's reset gate; outside, it hears all of them through its own. The two are equal for every $h$ exactly if $r_k = r_j$ wherever $U_{kj} \neq 0$: if $r$ is the same for all units, say, or if $U$ is diagonal. They are also equal where the state is zero, as at the first step of a chain that starts at $h_0 = 0$: there is nothing to reset.

# %% tags=["topic-E2"]
def apart(weights, h_0):
    """The largest difference (T,) at each step between Cho's and PyTorch's GRU with the same weights."""
    with torch.no_grad():
        inside, outside = gru(x, h_0, gru_cho, *weights), gru(x, h_0, gru_torch, *weights, torch.zeros_like(h_0[0]))
        return (inside - outside).abs().amax(dim=(0, 2))


W_z, W_r, W_h, *biases = weights
diagonal = torch.cat([W_h[:E], W_h[E:].diag().diag()])
cases = {
    "r the same for all units": apart([W_z, W_r[:, :1].expand(-1, H), W_h, biases[0], biases[1][:1].expand(H), biases[2]], h_0),
    "U diagonal": apart([W_z, W_r, diagonal, *biases], h_0),
    "neither": apart(weights, h_0),
    "neither, first state 0": apart(weights, torch.zeros(B, H).double()),
}
rows = [
    {"weights": name, "first step": f"{gaps[0].item():.0e}", "largest of 7 steps": f"{gaps.max().item():.0e}"}
    for name, gaps in cases.items()
]
show_table(rows, "Inside and outside differ, unless all reset gates are equal or U is diagonal.")

# %% tags=["nbval-check-output"]
equal = [name for name, gaps in cases.items() if gaps.max() < 1e-12]
print("equal to 1e-12 at all steps:", equal)
print("equal to 1e-12 at the first step:", [name for name, gaps in cases.items() if gaps[0] < 1e-12])

# %% [markdown]
# ### Could other weights make them equal?
#
# Train a PyTorch GRU to do Cho's step on 200 random inputs and states, starting from the copied weights. As a control, the same from disturbed weights of a PyTorch GRU, which *can* be matched.

# %%
def best_fit(x_t, h, target, start):
    """Root mean square error of gru_torch on one step after training its weights by L-BFGS."""
    weights = [a.clone().requires_grad_() for a in start]
    optimizer = torch.optim.LBFGS(weights, max_iter=60, tolerance_change=1e-14, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        J = ((gru_torch(x_t, h, *weights) - target) ** 2).mean()
        J.backward()
        return J

    optimizer.step(loss)
    return loss().item() ** 0.5

# %% [markdown]
# `start` holds the weights of some GRU; Cho's step has no $b'$, so its six first tensors are copied:

# %% tags=["topic-E2"]
x_t, h = torch.randn(200, 2).double(), torch.rand(200, 3).double() * 2 - 1
start = [torch.randn(shape).double() for shape in 3 * [(5, 3)] + 4 * [(3,)]]
copied, disturbed = [*start[:6], torch.zeros(3).double()], [a + 0.3 * torch.randn_like(a) for a in start]
of_cho = best_fit(x_t, h, gru_cho(x_t, h, *start[:6]), copied)
of_torch = best_fit(x_t, h, gru_torch(x_t, h, *start), disturbed)
print(f"error of the best fit to Cho's step:               {of_cho:.4f}")
print(f"error of the best fit to PyTorch's step (control): {of_torch:.4f}")

# %% tags=["nbval-check-output"]
print("the fit of Cho's step stalls, that of the control goes on:", of_cho > 10 * of_torch)

# %% [markdown]
# A fit that stalls is no proof, but the control shows that the method gets near where there are weights. Both forms can be trained; only a *trained* model cannot be carried over.
#
# ## Copying blindly
#
# Somebody trained a GRU to keep things: in CS224n's convention, its update gates have a bias of −4. Now these weights are put into `torch.nn.GRU` as they are. Shapes fit, so there is no error message. What is left of the first state? (Candidate and inputs are zero here, so that only the update gate acts.)

# %% tags=["topic-E2", "nbval-check-output"]
one, nothing = torch.ones(1, H).double(), torch.zeros(1, 30, E).double()
trained, no_bias = [torch.zeros(shape).double() for shape in 3 * [(E + H, H)] + 3 * [(H,)]], torch.zeros(H).double()
trained[3] -= 4.0
rows = []
for name, step, weights_there in (
    ("CS224n, as trained", gru_cs224n, trained),
    ("PyTorch, copied blindly", gru_torch, [*trained, no_bias]),
    ("PyTorch, update gate negated", gru_torch, [*negated(trained), no_bias]),
):
    left = gru(nothing, one, step, *weights_there)[0, :, 0]
    rows.append({"weights": name, "left after 1 step": f"{left[0]:.2f}", "after 30 steps": f"{left[-1]:.2f}"})
show_table(rows, "Copied blindly, a GRU that keeps becomes one that forgets.")

# %% [markdown]
# ### The dial
#
# **Predict:** at which bias do both conventions agree?
#
# <details><summary>Answer</summary>At 0: both gates are one half then.</details>

# %%
def state_left(bias, convention, T=30):
    """The share (T + 1,) of the first state left after each step, update gate at σ(bias)."""
    u = 1 / (1 + math.exp(-bias))
    kept = 1 - u if convention == "small u keeps" else u
    return kept ** np.arange(T + 1)


def describe(bias, convention):
    """Print how much of the first state is left after some steps."""
    left = state_left(bias, convention)
    for t in (1, 5, 10, 20, 30):
        print(f"after {t:2} steps  {left[t]:.2f}  {'█' * round(50 * left[t])}")


print("update gates with a bias of −4, small u keeps; left of the first state:")
describe(-4, "small u keeps")

# %% tags=["widget", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(convention=["small u keeps", "large z keeps"], bias=FloatSlider(-4, min=-6, max=6, step=0.5))
def turn_dial(convention, bias):
    """Print what is left of the first state under a convention."""
    describe(bias, convention)

# %% [markdown]
# What the dial prints is what the cell does:

# %% tags=["nbval-check-output"]
by_cell = gru(nothing, one, gru_cs224n, *trained)[0, :, 0].numpy()
print("largest difference below 1e-12:", np.abs(state_left(-4, "small u keeps")[1:] - by_cell).max() < 1e-12)

# %% [markdown]
# ## Exercise 1 · Peepholes
#
# The gates of an LSTM see the input and the hidden state, but not what is *in* the cell state. Gers and Schmidhuber (2000) gave each gate a **peephole**: before squashing, each unit adds its own cell state times a weight of its own. Forget and input gate look at the old cell state, the output gate at the new one. Arguments: the four pre-activations, `c`, and the peepholes `p_f`, `p_i`, `p_o`, all (H,). **Predict:** how many more parameters?
#
# <details><summary>Answer</summary>3H: a row for each gate, no matrix. Each unit looks at itself only.</details>

# %% tags=["exercise-1-stub"]
def peephole_step(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o):
    """The new hidden state and the new cell state, (H,) each, from pre-activations, old cell state and peepholes (H,)."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_peephole_step(attempt):
    """Try an attempt on cell states of two sizes."""
    rng = np.random.default_rng(2)
    cases = [tuple(np.array([[0.0], [-2], [1], [0], [2], [1], [1], [0]])), tuple(rng.normal(size=(8, 3))), tuple(2 * rng.normal(size=(8, 4)))]

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def step(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o, p_g=0, look=np.multiply, seen_by_o=None):
        c = sigmoid(a_f + look(p_f, c)) * c + sigmoid(a_i + look(p_i, c)) * np.tanh(a_g + p_g * c)
        return sigmoid(a_o + look(p_o, c if seen_by_o is None else seen_by_o)) * np.tanh(c), c

    def outside(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o):
        c = (sigmoid(a_f) + p_f * c) * c + (sigmoid(a_i) + p_i * c) * np.tanh(a_g)
        return (sigmoid(a_o) + p_o * c) * np.tanh(c), c

    def times(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o):
        c = sigmoid(a_f * p_f * c) * c + sigmoid(a_i * p_i * c) * np.tanh(a_g)
        return sigmoid(a_o * p_o * c) * np.tanh(c), c

    return check(
        attempt,
        cases=[(arguments, step(*arguments)) for arguments in cases],
        misconceptions={
            "the output gate looks last: at the new cell state, not at the old one": lambda *a: step(*a, seen_by_o=a[4]),
            "the output gate has a peephole, too": lambda *a: step(*a[:7], 0),
            "all peepholes are missing": lambda *a: step(*a[:5], 0, 0, 0),
            "the candidate has no peephole": lambda *a: step(*a, p_g=a[6]),
            "a peephole shows the cell state itself, not its tanh": lambda *a: step(*a, look=lambda p, c: p * np.tanh(c)),
            "a peephole is added before squashing": outside,
            "a peephole is added to the pre-activation, not multiplied with it": times,
            "each unit sees only its own cell state: p * c, entry by entry, not p @ c": (
                lambda *a: step(*a, look=np.dot)
            ),
            "each gate has its own peephole: p_f for the forget gate, p_i for the input gate": (
                lambda *a: step(*a[:5], a[6], a[5], a[7])
            ),
            "the peephole weights are missing: add p * c, not c": lambda *a: step(*a[:5], 1, 1, 1),
            "the forget gate has a peephole, too": lambda *a: step(*a[:5], 0, *a[6:]),
            "the input gate has a peephole, too": lambda *a: step(*a[:6], 0, a[7]),
            "the hidden state comes first, then the cell state": lambda *a: step(*a)[::-1],
            "a peephole is added, not taken away": lambda *a: step(*a, look=lambda p, c: -p * c),
        },
    )


check_peephole_step(peephole_step)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def peephole_step_solution(a_f, a_i, a_g, a_o, c, p_f, p_i, p_o):
    """The new hidden state and the new cell state, (H,) each, from pre-activations, old cell state and peepholes (H,)."""
    f, i = (1 / (1 + np.exp(-(a + p * c))) for a, p in ((a_f, p_f), (a_i, p_i)))
    c = f * c + i * np.tanh(a_g)
    o = 1 / (1 + np.exp(-(a_o + p_o * c)))
    return o * np.tanh(c), c


check_peephole_step(peephole_step_solution)

# %% [markdown]
# `p @ c` would be one number for all units; a peephole shows each unit its own cell state only. Greff and colleagues compared eight variants on three tasks in 2017; peepholes made no significant difference. PyTorch's LSTM has none.

# %% [markdown]
# ## Exercise 2 · One gate for two
#
# Forgetting and writing often go together: replace what is thrown away. Greff and colleagues (2017) tried an LSTM with **coupled gates**: what the forget gate does not keep, the input gate fills. Write its step; there is no pre-activation $a_i$. **Predict:** from $c_0 = 0$, how large can the cell state get?
#
# <details><summary>Answer</summary>It stays between −1 and 1: each new cell state is a mean of the old one and a candidate, weighted by f and 1 − f. Such a cell state cannot count on and on.</details>

# %% tags=["exercise-2-stub"]
def coupled_step(a_f, a_g, a_o, c):
    """The new hidden state and the new cell state, (H,) each, from three pre-activations (H,) and the old cell state (H,)."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_coupled_step(attempt):
    """Try an attempt on cell states of two sizes."""
    rng = np.random.default_rng(3)
    cases = [tuple(np.array([[0.0], [1], [0], [2]])), tuple(1.5 * rng.normal(size=(4, 3))), tuple(2 * rng.normal(size=(4, 2)))]

    def sigmoid(a):
        return 1 / (1 + np.exp(-a))

    def step(a_f, a_g, a_o, c, write=lambda f, a_f: 1 - f, squash=np.tanh, kept=lambda f: f):
        f = sigmoid(a_f)
        c = kept(f) * c + write(f, a_f) * squash(a_g)
        return sigmoid(a_o) * np.tanh(c), c

    return check(
        attempt,
        cases=[(arguments, step(*arguments)) for arguments in cases],
        misconceptions={
            "coupled means that the two shares sum to 1: write 1 − f, not f": lambda *a: step(*a, write=lambda f, _: f),
            "the candidate is written in full; its share is 1 − f": lambda *a: step(*a, write=lambda f, _: 1),
            "1 − f is taken after squashing, not σ(1 − a_f)": (
                lambda *a: step(*a, write=lambda f, a_f: sigmoid(1 - a_f))
            ),
            "squash the pre-activation first: the share written is 1 − σ(a_f), not 1 − a_f": (
                lambda *a: step(*a, write=lambda f, a_f: 1 - a_f)
            ),
            "the forget gate keeps: f goes with the old cell state, 1 − f with the candidate": (
                lambda *a: step(*a, write=lambda f, _: f, kept=lambda f: 1 - f)
            ),
            "the candidate is squashed with tanh, not with σ": lambda *a: step(*a, squash=sigmoid),
            "the candidate is squashed, too, with tanh": lambda *a: step(*a, squash=lambda a: a),
            "the output gate has its own pre-activation a_o; only forgetting and writing are coupled": (
                lambda a_f, a_g, a_o, c: step(a_f, a_g, -a_f, c)
            ),
            "what is shown is tanh of the cell state": lambda *a: (sigmoid(a[2]) * step(*a)[1], step(*a)[1]),
            "the hidden state comes first, then the cell state": lambda *a: step(*a)[::-1],
            "the share that is written cannot be negative: 1 − f, not −f": lambda *a: step(*a, write=lambda f, _: -f),
            "the output gate is missing: the hidden state is o tanh(c)": lambda *a: (np.tanh(step(*a)[1]), step(*a)[1]),
            "the hidden state is not the cell state: it is what the output gate lets through of its tanh": lambda *a: (step(*a)[1], step(*a)[1]),
        },
    )


check_coupled_step(coupled_step)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def coupled_step_solution(a_f, a_g, a_o, c):
    """The new hidden state and the new cell state, (H,) each, from three pre-activations (H,) and the old cell state (H,)."""
    f, o = 1 / (1 + np.exp(-a_f)), 1 / (1 + np.exp(-a_o))
    c = f * c + (1 - f) * np.tanh(a_g)
    return o * np.tanh(c), c


check_coupled_step(coupled_step_solution)

# %% [markdown]
# A quarter of the cell's weights is saved. In the study of Greff and colleagues coupling did no harm on their tasks. Counting is a different task.

# %% [markdown]
# ### What a coupled cell state cannot do
#
# Open everything, and write a candidate of nearly 1 at each of 50 steps:

# %% tags=["nbval-check-output"]
def written(steps, coupled):
    """The cell state of one unit after some steps with all gates open as far as its kind allows."""
    f, g, c = 1 / (1 + math.exp(-3)), math.tanh(3), 0.0
    for _ in range(steps):
        c = f * c + (1 - f if coupled else 1) * g
    return c


for steps in (1, 5, 50):
    print(f"after {steps:2} steps: LSTM {written(steps, False):5.2f}, coupled {written(steps, True):.2f}")

# %% [markdown]
# The coupled cell state is a running mean: it never passes its candidate. The LSTM's is a sum that leaks, by 5 % at each step here, so it ends near 20. The GRU's state is a running mean, too: that is why it does not count. Weiss, Goldberg and Yahav (2018) showed that with finite precision LSTMs and ReLU networks can count on and on, and GRUs and tanh networks cannot.

# %% [markdown]
# ## How many paths lead through a stack?
#
# Put $L$ recurrent layers on top of each other: the states of one are the inputs of the next. Each path from $x_1$ to the top layer's last state $v$ goes $T - 1$ steps to the right and $L - 1$ steps up, in any order. For a stack of linear units, $h^{(l)}_t = w\, h^{(l)}_{t-1} + u\, h^{(l-1)}_t$, the derivative counts them:
#
# $$\frac{\partial v}{\partial x_1} = \binom{T + L - 2}{L - 1}\; w^{T-1}\, u^{L}$$

# %%
def of_linear_stack(T, L, w=0.9, u=0.7):
    """∂v/∂x_1 of a stack of L linear units after T steps, by autograd."""
    x = torch.ones(T).double().requires_grad_()
    h = [0.0] * L
    for below in x:
        for layer in range(L):
            below = h[layer] = w * h[layer] + u * below
    return torch.autograd.grad(h[-1], x)[0][0].item()


def paths(right, up):
    """The number of ways to take so many steps to the right and up, counted one by one."""
    return 1 if 0 in (right, up) else paths(right - 1, up) + paths(right, up - 1)

# %% tags=["nbval-check-output"]
rows = []
for T, L in ((5, 1), (5, 3), (20, 3)):
    number = math.comb(T + L - 2, L - 1)
    formula = number * 0.9 ** (T - 1) * 0.7**L
    rows.append({"T": T, "L": L, "formula": number, "counted": paths(T - 1, L - 1), "∂v/∂x_1, formula": f"{formula:.4f}", "autograd": f"{of_linear_stack(T, L):.4f}"})
show_table(rows, "Depth multiplies the paths: 1, 15, 210.")

# %% [markdown]
# Each path crosses more squashing functions, though. With gates, each step to the right is a gate or a detour through the hidden state, and each step up goes through an output gate and a tanh.

# %% [markdown]
# ## What you now have
#
# - Three conventions of the GRU, and the translation between the first two: negate one gate, with its bias.
# - A reset gate inside and outside the product: not the same family, so trained weights cannot be carried over.
# - Peepholes and coupled gates; a coupled cell state is a mean and cannot count.
# - The number of paths through a stack.
#
# **Back** to [notebook 5](../05_lstm_gru.ipynb).

# %% [markdown]
# ## References
#
# - F. A. Gers, J. Schmidhuber: *Recurrent nets that time and count.* IJCNN 2000 (peepholes).
# - K. Cho et al.: *Learning phrase representations using RNN encoder–decoder for statistical machine translation.* EMNLP 2014.
# - J. Chung et al.: *Empirical evaluation of gated recurrent neural networks on sequence modeling.* arXiv, 2014.
# - K. Greff et al.: *LSTM: a search space odyssey.* IEEE TNNLS 28, 2017.
# - G. Weiss, Y. Goldberg, E. Yahav: *On the practical computational power of finite precision RNNs for language recognition.* ACL 2018.
