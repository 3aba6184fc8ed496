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
#     run: 2
#     over:
#       cells: {most: 95, why: "to be recut"}
#       lines: {most: 689, why: "to be recut"}
#       minutes: {most: 108.4, why: "to be recut"}
#       slides: {most: 79, why: "to be recut"}
#       pictures: {most: 6.6, why: "to be recut"}
#       slide_lines: {most: 17, why: "to be recut"}
#       code_share: {most: 76, why: "to be recut"}
# ---

# %% [markdown] slideshow={"slide_type": "slide"}
# # 4 · Why does the plain RNN forget, and what can be done?
#
# > A state may hold all that was read. Training shapes it only as far back as the gradient reaches.
#
# **You will** follow the gradient back through time, first by hand, then in a film; find the factor that makes it vanish or explode; and measure each remedy.<br>
# **You need** notebook 3 (the cell, the loss, training), derivatives, and the chain rule.<br>
# **Time** {minutes} min with the exercises; the cells run for up to {run} min on a laptop.

# %% [markdown] slideshow={"slide_type": "notes"}
# Recall the end of the last lecture: after one pass over prose, an RNN and a window of four words are level. Its state could hold more. Can training reach it? Prose does not say, so we ask with a task.

# %% slideshow={"slide_type": "skip"}
import math
import random

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import Dropdown, FloatSlider, IntSlider, interact
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils import COLOR, check, setup, show, show_film  # not found? Open it in the folder of the course

setup(seed=0)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Symbols
#
# | symbol | code | shape | meaning |
# |---|---|---|---|
# | $x_k, s_k$ | `x`, `s` | numbers | input and state of a chain; $s_0$ is the start |
# | $t_k$ | `t` | numbers | what goes into the activation: $t_k = s_{k-1} W_S + x_k W_I + b$ |
# | $g, f$ | `g`, `f` | | activation, $s_k = g(t_k)$; loss of a state, $l_k = f(s_k)$ |
# | $h_t, a_t$ | `h`, `a` | `(B, H)` | state of a network, and what goes into its tanh |
# | $W_{xh}, W_{hh}, b_h$ | `W_xh`, `W_hh`, `b_h` | `(E, H)`, `(H, H)`, `(H,)` | weights of the cell, the same at all steps |
# | $J = \sum_t J_t$ | `J` | | loss, a part for each step |
# | $\delta_t = \partial J / \partial a_t$ | `delta` | `(B, H)` | the error that arrives at step $t$ |
# | $\rho(W), \lVert W \rVert$ | | | spectral radius; largest singular value |
#
# `R` networks are trained side by side; they read `V` symbols and choose among `K`.

# %% [markdown] slideshow={"slide_type": "notes"}
# The chain of numbers keeps the letters of the Utah lecture: s for a state, t for the pre-activation. From the vector case on, the course's letters, and t counts steps. In the cells with gates, f and g are PyTorch's names of two gates.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A question that prose does not answer
#
# Perplexity on prose tells little about memory: near words predict most of it, and notebook 3's window was level with its RNN. So ask for memory alone: **read $T$ symbols, then name the first.** Nothing but a gradient that reaches back $T - 1$ steps can teach that. How far does it reach, and why? We begin with three steps, and come back to this task with a film and a race.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for guesses: at which T does a plain RNN fail after a hundred batches? Write them down for the race.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A chain of numbers
#
# ![A chain of states s_0 to s_3 with weight W_S between them and inputs x_1 to x_3 entering by W_I; the loss l_3 hangs at s_3. Backwards, each step multiplies by g'(t_k) W_S, and a branch g'(t_k) x_k leads to each copy of W_I.](../figures/bptt_chain.svg)

# %% [markdown] slideshow={"slide_type": "notes"}
# The smallest recurrent network: every quantity is a number. W_I is used three times, so three paths lead from the loss back to it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Forwards
#
# $$t_k = s_{k-1} W_S + x_k W_I + b \qquad s_k = g(t_k) \qquad l_k = f(s_k)$$
#
# As an example $g = \tanh$, and $f(s) = \frac{1}{2}(s - 1)^2$: the state should become 1.

# %%
def g(t):
    """The activation tanh, of numbers or tensors."""
    return torch.tanh(t) if torch.is_tensor(t) else np.tanh(t)


def chain(x, s_0, W_S, W_I, b):
    """The sums t_1 … t_T and the states s_0 … s_T of a chain of numbers, two lists."""
    t, s = [], [s_0]
    for x_k in x:
        t.append(s[-1] * W_S + x_k * W_I + b)
        s.append(g(t[-1]))
    return t, s


def f(s):
    """The loss of a state."""
    return (s - 1) ** 2 / 2

# %% [markdown] slideshow={"slide_type": "notes"}
# Any differentiable f and g would do.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three steps as numbers
#
# Three inputs of equal size, so that only their place in time differs:

# %%
x, s_0, W_S, W_I, b = [1.0, -1.0, 1.0], 0.1, 0.9, 0.4, 0.2
t, s = chain(x, s_0, W_S, W_I, b)
print("t", np.round(t, 3), "  s", np.round(s, 3), f"  l_3 = {f(s[3]):.3f}")

# %% [markdown]
# The question of this notebook: by how much does $l_3$ change if $W_I$ changes a little, and how much of that change comes from each of the three steps?

# %% [markdown] slideshow={"slide_type": "notes"}
# Python counts from zero: t[0] is t_1, but s[0] is s_0. Two oracles will judge each formula: autograd, and central differences.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two judges
#
# Each formula below must agree with autograd, and with the slope between two nearby points, $\frac{l(W_I + \varepsilon) - l(W_I - \varepsilon)}{2 \varepsilon}$, which needs no calculus at all.

# %%
def by_autograd(loss, weight):
    """The derivative of a loss, a function of one number, by autograd."""
    weight = torch.tensor(weight, dtype=torch.float64, requires_grad=True)
    loss(weight).backward()
    return weight.grad.item()


def by_differences(loss, weight, epsilon=1e-5):
    """The derivative of a loss, a function of one number, by a central difference."""
    return (loss(weight + epsilon) - loss(weight - epsilon)) / (2 * epsilon)


def judge(name, formula, loss, weight):
    """Print whether a derivative agrees with both judges to 1e-8."""
    verdicts = [abs(formula - of(loss, weight)) < 1e-8 for of in (by_autograd, by_differences)]
    print(f"{name} agrees with autograd: {verdicts[0]}   with differences: {verdicts[1]}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Double precision throughout: in single precision, the difference of two nearby losses has only a few correct digits.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What they judge
#
# The judges only need the loss as a function of one weight; everything else stays as it is.

# %%
def loss_after(T):
    """The loss l_T as a function of W_I."""
    return lambda W_I: f(chain(x[:T], s_0, W_S, W_I, b)[1][-1])


print(f"l_3 = {loss_after(3)(W_I):.3f}")

# %% [markdown]
# The same number as above: the chain with $W_I = 0.4$ has this loss after three steps.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for the slope at W_I by eye: evaluate the loss at 0.39 and at 0.41.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One step
#
# $$\frac{\partial l_1}{\partial W_I} = \underbrace{f'(s_1)}_{\text{loss}} \cdot \underbrace{g'(t_1)}_{\text{activation}} \cdot \underbrace{x_1}_{\text{weight}}$$
#
# For our choices, $\tanh'(t) = 1 - \tanh^2(t)$ and $f'(s) = s - 1$. The chain rule is used three times: through the loss, the activation and the sum.

# %%
def g_prime(t):
    """The slope of tanh."""
    return 1 - g(t) ** 2


def f_prime(s):
    """The slope of the loss."""
    return s - 1

# %% [markdown] slideshow={"slide_type": "notes"}
# Say each factor aloud while pointing at the picture of the chain.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The first verdict
#
# The formula, and the two slopes that it uses:

# %% tags=["topic-D1", "nbval-check-output"]
judge("∂l_1/∂W_I", f_prime(s[1]) * g_prime(t[0]) * x[0], loss_after(1), W_I)
judge("tanh′(0.7)", g_prime(0.7), g, 0.7)
judge("f′(0.7)   ", f_prime(0.7), f, 0.7)

# %% [markdown] slideshow={"slide_type": "notes"}
# From now on a formula counts only after this verdict.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two steps, two paths
#
# $W_I$ is used at both steps. One path goes through $t_2$ alone; the other goes back through $s_1$:
#
# $$\frac{\partial l_2}{\partial W_I} = f'(s_2) \Big( g'(t_2)\, x_2 \;+\; g'(t_2)\, W_S \cdot g'(t_1)\, x_1 \Big)$$

# %% tags=["topic-D1", "nbval-check-output"]
g_1, g_2, g_3 = (g_prime(t_k) for t_k in t)
judge("∂l_2/∂W_I", f_prime(s[2]) * (g_2 * x[1] + g_2 * W_S * g_1 * x[0]), loss_after(2), W_I)

# %% [markdown]
# The factor $g'(t_2)\, W_S$ takes the error from $s_2$ back to $s_1$: once through the activation, once through the weight between the states. Everything that follows in this notebook is about this factor.

# %% [markdown] slideshow={"slide_type": "notes"}
# Cover the second term and ask what a network would compute that treats s_1 as a given input: only the first one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three steps, three paths
#
# With $g'_k$ short for $g'(t_k)$:
#
# $$\frac{\partial l_3}{\partial W_I} = f'(s_3) \Big( g'_3\, x_3 \;+\; g'_3 W_S \cdot g'_2\, x_2 \;+\; g'_3 W_S \cdot g'_2 W_S \cdot g'_1\, x_1 \Big)$$

# %% tags=["topic-D1", "nbval-check-output"]
paths = [g_3 * W_S * g_2 * W_S * g_1 * x[0], g_3 * W_S * g_2 * x[1], g_3 * x[2]]
judge("∂l_3/∂W_I", f_prime(s[3]) * sum(paths), loss_after(3), W_I)

# %%
[f"{f_prime(s[3]) * path:.3f}" for path in paths]  # by the copy of W_I at step 1, 2, 3

# %% [markdown]
# The three inputs have equal size. The longer the path, the smaller the part: each step back multiplies by $g'(t_k) W_S$, here less than 0.9.

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for l_4 before showing the general case: one more term, and one more factor in each of the old ones.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 1 · The parts of a gradient
#
# A chain has read `x` = [$x_1, \dots, x_T$] with sums `t` = [$t_1, \dots, t_T$]; `d_s` is $f'(s_T)$. Return the $T$ parts of $\partial l_T / \partial W_I$ in order, one for each copy of $W_I$, with $g = \tanh$. **Predict:** with all $t_k = 0$ and $W_S = 2$, how large is the part of the first of ten steps beside that of the last, for equal inputs?
#
# <details><summary>Answer</summary>2⁹ = 512 times as large: tanh′(0) = 1, so each of the nine steps back multiplies by 2.</details>

# %% tags=["exercise-1-stub"]
def gradient_parts(x, t, W_S, d_s):
    """The parts of the gradient with respect to W_I, a list of T numbers: what each step's copy contributes."""
    return ...

# %% tags=["exercise-1-check"] slideshow={"slide_type": "skip"}
def check_gradient_parts(attempt):
    """Try an attempt on chains of one, three and four steps."""

    def slope(t):
        return 1 - math.tanh(t) ** 2

    def parts(x, t, W_S, d_s, own=slope, factor=None, ahead=1):
        factor = factor or (lambda t: own(t) * W_S)
        return [float(d_s * math.prod(map(factor, t[k + ahead :])) * own(t[k]) * x[k]) for k in range(len(x))]

    examples = [([1.0, 2.0], [0.0, 0.0], 3.0, 1.0), ([0.5], [0.3], 0.9, -0.4), ([0.5, -1.0, 2.0], [0.3, -0.2, 0.6], 0.8, 0.7)]
    examples.append(([1.0, 1.5, -0.5, 0.7], [-0.1, 0.4, 0.9, -0.6], -1.3, 1.2))
    return check(
        attempt,
        cases=[(example, parts(*example)) for example in examples],
        misconceptions={
            "the way back from T to k has T − k factors g′(t_j) W_S; yours has one too many": (
                lambda x, t, W_S, d_s: parts(x, t, W_S, d_s, ahead=0)
            ),
            "W_S once too often: the own step k passes through W_I, not through W_S": (
                lambda x, t, W_S, d_s: [W_S * part for part in parts(x, t, W_S, d_s)]
            ),
            "W_S is missing: a step back passes through the weight as well as through tanh": (
                lambda x, t, W_S, d_s: parts(x, t, W_S, d_s, factor=slope)
            ),
            "tanh′ is missing on the way back: each step has its own g′(t_j)": (
                lambda x, t, W_S, d_s: parts(x, t, W_S, d_s, factor=lambda t_j: W_S)
            ),
            "the own g′(t_k) of step k is missing: W_I, too, lies inside tanh": (
                lambda x, t, W_S, d_s: [p / slope(t_k) for p, t_k in zip(parts(x, t, W_S, d_s), t)]
            ),
            "each part has its own step only: the error must travel back from T to k": (
                lambda x, t, W_S, d_s: parts(x, t, W_S, d_s, factor=lambda t_j: 1)
            ),
            "the factors differ from step to step: take each g′(t_j), not the last one again and again": (
                lambda x, t, W_S, d_s: parts(x, t, W_S, d_s, factor=lambda t_j: slope(t[-1]) * W_S)
            ),
            "this is the slope at tanh(t): `t` is what goes into tanh, not what comes out": (
                lambda x, t, W_S, d_s: parts(x, t, W_S, d_s, own=lambda t_j: slope(math.tanh(t_j)))
            ),
            "1 − t² is the slope only if t is the state; `t` is what goes into tanh": (
                lambda x, t, W_S, d_s: parts(x, t, W_S, d_s, own=lambda t_j: 1 - t_j**2)
            ),
            "tanh′ is 1 − tanh²; the square is missing": (
                lambda x, t, W_S, d_s: parts(x, t, W_S, d_s, own=lambda t_j: 1 - math.tanh(t_j))
            ),
            "tanh′ is 1 − tanh²; you have taken tanh itself": lambda x, t, W_S, d_s: parts(x, t, W_S, d_s, own=math.tanh),
            "the order is reversed: the first number belongs to step 1": lambda *given: parts(*given)[::-1],
            "these are running sums: return the parts, not what they add up to": lambda *given: np.cumsum(parts(*given)),
            "only the sum is left: return a number for each step": lambda *given: sum(parts(*given)),
            "the inputs are missing: the derivative of x_k W_I by W_I is x_k": (
                lambda x, t, W_S, d_s: parts([1] * len(x), t, W_S, d_s)
            ),
            "f′(s_T), here d_s, is missing: the error starts at the loss": lambda x, t, W_S, d_s: parts(x, t, W_S, 1),
            "W_S comes in once for each step back from T to k: the first part has the most factors, the last none": (
                lambda x, t, W_S, d_s: [d_s * math.prod(map(slope, t[k:])) * W_S**k * x[k] for k in range(len(x))]
            ),
            "the way goes back from the end: the part of step k has the factors of the steps after it, not before": (
                lambda x, t, W_S, d_s: [d_s * math.prod(map(slope, t[: k + 1])) * W_S**k * x[k] for k in range(len(x))]
            ),
        },
    )


check_gradient_parts(gradient_parts)

# %% tags=["exercise-1-solution"] slideshow={"slide_type": "skip"}
def gradient_parts_solution(x, t, W_S, d_s):
    """The parts of the gradient with respect to W_I, a list of T numbers: what each step's copy contributes."""
    parts, d_t = [], None
    for x_k, t_k in zip(x[::-1], t[::-1]):
        d_t = d_s * (1 - np.tanh(t_k) ** 2)
        parts.insert(0, d_t * x_k)
        d_s = d_t * W_S
    return parts


check_gradient_parts(gradient_parts_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# The solution walks backwards once and keeps one number, the error that arrives. That is backpropagation through time; computing each product anew would cost T² steps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The general case
#
# $$\frac{\partial l_T}{\partial W_I} = f'(s_T) \sum_{k=1}^{T} \; \Big[ \prod_{j=k+1}^{T} g'(t_j)\, W_S \Big] \; g'(t_k)\, x_k$$
#
# For $W_S$ the last factor is $s_{k-1}$ instead of $x_k$; for $b$ it is 1.

# %%
def chain_gradient(t, W_S, d_s, last_factors):
    """The gradient of l_T by the weight whose factor in step k is last_factors[k - 1]."""
    T, slopes = len(t), [g_prime(t_k) for t_k in t]
    return d_s * sum(
        math.prod(slopes[j] * W_S for j in range(k + 1, T)) * slopes[k] * last_factors[k] for k in range(T)
    )

# %% [markdown] slideshow={"slide_type": "notes"}
# Many lecture notes stop at l_1 and remark that tanh′ is a number between zero and one. The whole story is in the bracket: T − k factors, each a slope times a weight.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Judged, for twenty steps and all three weights

# %% tags=["topic-D1", "nbval-check-output"]
x = np.random.default_rng(0).normal(size=20)
t, s = chain(x, s_0, W_S, W_I, b)
losses = {  # l_T as a function of one weight, and the last factor of that weight
    "W_I": (lambda W_I: f(chain(x, s_0, W_S, W_I, b)[1][-1]), W_I, x),
    "W_S": (lambda W_S: f(chain(x, s_0, W_S, W_I, b)[1][-1]), W_S, s[:-1]),
    "b  ": (lambda b: f(chain(x, s_0, W_S, W_I, b)[1][-1]), b, np.ones(20)),
}
for name, (loss, weight, factors) in losses.items():
    judge(f"T = 20, ∂l_T/∂{name}", chain_gradient(t, W_S, f_prime(s[-1]), factors), loss, weight)

# %% [markdown]
# The three weights share the bracket: whatever makes it vanish or explode for one of them does so for all.

# %% [markdown] slideshow={"slide_type": "notes"}
# s[:-1] holds s_0 … s_19: the state before each step. The product over an empty range is 1: the last step has no factor.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The same with vectors
#
# The slope becomes a diagonal matrix, and the weight a matrix. With row vectors, one step back multiplies the error of the last step from the right:
#
# $$\frac{\partial J_T}{\partial h_{t-1}} = \frac{\partial J_T}{\partial h_t} \; \underbrace{\text{diag}(1 - h_t^2)\, W_{hh}^\top}_{\text{one factor, now a matrix}}$$

# %% tags=["topic-D1", "nbval-check-output"]
E, H = 4, 5
W_xh, W_hh, b_h = (torch.randn(shape).double() / 2 for shape in ((E, H), (H, H), (H,)))
x_t, h_before = torch.randn(E).double(), torch.randn(H).double()
h_t = torch.tanh(x_t @ W_xh + h_before @ W_hh + b_h)
jacobian = torch.autograd.functional.jacobian(lambda h: torch.tanh(x_t @ W_xh + h @ W_hh + b_h), h_before)
factor = torch.diag(1 - h_t**2) @ W_hh.T
print("the factor agrees with autograd's Jacobian to 1e-12:", torch.allclose(factor, jacobian, atol=1e-12))

# %% [markdown] slideshow={"slide_type": "notes"}
# Write the scalar factor beside it: g′(t) W_S. Going back many steps multiplies such matrices; the order matters now.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A copy of the weights for each step
#
# ![An unrolled RNN in which each step has a copy of W_xh; the error enters at the last of 128 steps only, and the gradient that flows back fades on its way.](../figures/weight_copies.svg)
#
# Pretend that each step has its own copy of $W_{xh}$. The gradient with respect to the true, shared matrix is the sum of the copies' gradients.

# %% [markdown] slideshow={"slide_type": "notes"}
# The trick makes "which step taught what" a well-defined number: the norm of the gradient with respect to that step's copy. The film later plots just that.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Backpropagation through time
#
# $$\delta_t = \Big( \underbrace{\frac{\partial J_t}{\partial h_t}}_{\text{loss of this step}} + \underbrace{\delta_{t+1} W_{hh}^\top}_{\text{later losses}} \Big) \odot (1 - h_t^2)$$
#
# $$\frac{\partial J}{\partial W_{xh}} = \sum_{t=1}^{T} x_t^\top \delta_t \qquad \frac{\partial J}{\partial W_{hh}} = \sum_{t=1}^{T} h_{t-1}^\top \delta_t \qquad \frac{\partial J}{\partial b_h} = \sum_{t=1}^{T} \delta_t$$

# %%
def bptt(states, W_hh, d_states):
    """The errors δ (B, T, H), from the states (B, T, H) and each step's own ∂J_t/∂h_t (B, T, H)."""
    delta, deltas = torch.zeros_like(states[:, 0]), []
    for t in reversed(range(states.shape[1])):
        delta = (d_states[:, t] + delta @ W_hh.T) * (1 - states[:, t] ** 2)
        deltas.append(delta)
    return torch.stack(deltas[::-1], dim=1)

# %% [markdown] slideshow={"slide_type": "notes"}
# One walk backwards, one product with W_hh a step: as cheap as the walk forwards.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Judged by autograd
#
# Autograd gets real copies, one tensor for each step, and a loss at *every* step:

# %%
def states_of(x, matrices):
    """The states (B, T, H) of a network whose step t reads with the matrix matrices[t]."""
    states = [torch.zeros(len(x), H).double()]
    for x_t, W in zip(x.unbind(dim=1), matrices):
        states.append(torch.tanh(x_t @ W + states[-1] @ W_hh + b_h))
    return torch.stack(states[1:], dim=1)


B, T = 3, 7
x, direction = torch.randn(B, T, E).double(), torch.randn(B, T, H).double()
copies, shared = [W_xh.clone().requires_grad_() for _ in range(T)], W_xh.clone().requires_grad_()
others = [W_hh.requires_grad_(), b_h.requires_grad_()]
for matrices in (copies, [shared] * T):
    W_hh.grad = b_h.grad = None
    (states_of(x, matrices) * direction).sum().backward()

# %% [markdown] slideshow={"slide_type": "notes"}
# J here is a weighted sum of all states, so each step has its own error. The same function serves a loss at the last step only: set the other errors to zero.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The verdict

# %% tags=["topic-D1", "nbval-check-output"]
with torch.no_grad():
    states = states_of(x, [W_xh] * T)
    delta = bptt(states, W_hh, direction)
    before = torch.cat([torch.zeros(B, 1, H).double(), states[:, :-1]], dim=1)  # h_0 … h_{T−1}
    parts = torch.einsum("bte,bth->teh", x, delta)
    by_hand = {"W_xh": parts.sum(0), "W_hh": torch.einsum("btg,bth->gh", before, delta), "b_h ": delta.sum((0, 1))}
worst = max((part - copy.grad).abs().max().item() for part, copy in zip(parts, copies))
print("each part x_t^T δ_t is the gradient with respect to its copy, to 1e-10:", worst < 1e-10)

# %% [markdown] slideshow={"slide_type": "notes"}
# So a part is a real gradient, not a manner of speaking.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three weights, two judges

# %% tags=["topic-D1", "nbval-check-output"]
for (name, ours), weight in zip(by_hand.items(), (shared, *others)):
    with torch.no_grad():  # a central difference for the first entry
        weight.view(-1)[0] += 1e-5
        up = (states_of(x, [shared] * T) * direction).sum()
        weight.view(-1)[0] -= 2e-5
        slope_there = (up - (states_of(x, [shared] * T) * direction).sum()) / 2e-5
        weight.view(-1)[0] += 1e-5
    verdicts = (ours - weight.grad).abs().max() < 1e-10, (ours.view(-1)[0] - slope_there).abs() < 1e-8
    print(f"∂J/∂{name} agrees with autograd: {verdicts[0]}   with a difference: {verdicts[1]}")
W_hh, b_h = W_hh.detach(), b_h.detach()

# %% [markdown] slideshow={"slide_type": "notes"}
# The lectures write: sum over all steps of the gradient with respect to that step's copy. Here it is, as two comparisons.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The factor
#
# Each step back multiplies by $g'(t_k)\, W_S$. If it were the same at each step:

# %% tags=["topic-D2", "nbval-check-output"]
print("factor   after 10 steps   after 100 steps")
for factor in (0.5, 0.9, 1.0, 1.1, 1.5):
    print(f"{factor:4} {factor**10:16.1e} {factor**100:16.1e}")

# %% [markdown]
# Below 1 the gradient **vanishes**: the first inputs teach next to nothing. Above 1 it **explodes**: one far input overrules all others, and a step of training leaps.

# %% [markdown] slideshow={"slide_type": "notes"}
# Exponential in the distance: that is the whole problem. Hochreiter's diploma thesis of 1991 and Bengio, Simard and Frasconi 1994 analysed it.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Is tanh′ to blame?
#
# One often reads: the slope of tanh lies between 0 and 1, so the product must vanish. Two experiments in which the slope is exactly 1 at each step:

# %% tags=["topic-D2", "nbval-check-output"]
slopes = [g_prime(t) for t in np.linspace(-5, 5, 1001)]
print(f"for t from −5 to 5, tanh′ lies between {min(slopes):.4f} and {max(slopes):.4f}")
print(f"identity (slope 1 everywhere), W_S = 0.9: after 100 steps {0.9**100:.0e}")
print(f"tanh at s = 0 (slope 1 there), W_S = 1.1: after 100 steps {(g_prime(0) * 1.1) ** 100:.0e}")

# %% [markdown]
# A linear network vanishes with a small weight, and tanh explodes with a large one, as long as its state stays near 0. The slope and the weight decide *together*.

# %% [markdown] slideshow={"slide_type": "notes"}
# Some lecture notes stop at "a number between zero and one". The maximum is reached: at t = 0 the slope is exactly one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two regimes, and saturation
#
# How much does the state after $k$ steps depend on the start? Without inputs, $s_k = g(s_{k-1} W_S)$ and
#
# $$\frac{\partial s_k}{\partial s_0} = \prod_{j=1}^{k} g'(t_j)\, W_S$$

# %%
ACTIVATIONS = {
    "tanh": (np.tanh, lambda t: 1 - np.tanh(t) ** 2),
    "sigmoid": (lambda t: 1 / (1 + np.exp(-t)), lambda t: np.exp(-t) / (1 + np.exp(-t)) ** 2),
    "ReLU": (lambda t: np.maximum(t, 0), lambda t: (t > 0) * 1.0),
    "identity": (lambda t: t, lambda t: 1.0),
}
for name, (_, g_slope) in ACTIVATIONS.items():
    print(f"{name:9} largest slope {max(g_slope(t) for t in np.linspace(-5, 5, 1001)):.2f}")

# %% [markdown] slideshow={"slide_type": "notes"}
# The sigmoid's slope is at most a quarter: a factor of 1 needs a weight of size 4 at least.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The product, step by step

# %%
def influence(activation, W_S, s_0, T):
    """The states s_0 … s_T without input, and |∂s_k/∂s_0| for k = 0 … T; two lists."""
    (g, slope), s, product = ACTIVATIONS[activation], [s_0], [1.0]
    for _ in range(T):
        t = s[-1] * W_S
        s.append(g(t))
        product.append(product[-1] * abs(slope(t) * W_S))
    return s, product

# %% [markdown] slideshow={"slide_type": "notes"}
# The derivative with respect to the start is the bracket of the general formula: the same product, without the inputs.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Judged
#
# Four activations, twenty steps, $W_S = 1.2$:

# %% tags=["topic-D2", "nbval-check-output"]
in_torch = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "ReLU": torch.relu, "identity": torch.clone}
for name, activation in in_torch.items():
    start = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    state = start
    for _ in range(20):
        state = activation(1.2 * state)
    state.backward()
    ours = influence(name, W_S=1.2, s_0=0.3, T=20)[1][-1]
    print(f"{name:8} agrees with autograd after 20 steps: {math.isclose(ours, start.grad.item(), rel_tol=1e-8)}")

# %% [markdown]
# The derivative with respect to the start is the part that matters: if the state at step $k$ no longer depends on the start, no weight can learn from the start.

# %% [markdown] slideshow={"slide_type": "notes"}
# The sigmoid is our own formula on one side and torch.sigmoid on the other.

# %% slideshow={"slide_type": "skip"}
def plot_influence(settings, T=60):
    """Draw |∂s_k/∂s_0| and the state after k steps, for (activation, weight, start) triples."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.0))
    left.axhline(1, color=COLOR["baseline"], lw=1)
    colors = [COLOR[part] for part in ("gradient", "state", "input")]
    for (activation, W_S, s_0), color, style in zip(settings, colors, ("-", "--", ":")):
        s, product = influence(activation, W_S, s_0, T)
        name = f"{activation}, $W_S$ = {W_S:g}, $s_0$ = {s_0:g}"
        left.semilogy(np.clip(product, 1e-30, 1e30), style, color=color, label=name)
        right.plot(np.clip(s, -3, 3), style, color=color)
    left.set(xlabel="steps, $k$", title=r"$|\partial s_k / \partial s_0|$", ylim=(1e-12, 1e12))
    top = 1.1 if max(s) < 1.1 else 3.1
    right.set(xlabel="steps, $k$", title="state $s_k$", ylim=(-0.1 if min(s) >= 0 else -top, top))
    fig.legend(loc="outside lower center", ncols=len(settings))
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The same weight explodes and vanishes
#
# $W_S = 1.5$ from two starts, and $W_S = 0.9$:

# %% tags=["topic-D2", "output-only"]
show(
    plot_influence([("tanh", 1.5, 1e-6), ("tanh", 1.5, 0.1), ("tanh", 0.9, 0.1)]),
    "With W_S = 1.5 the gradient grows as long as the state is near 0; once tanh saturates, it shrinks.",
)

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
products = {start: influence("tanh", 1.5, start, 60)[1] for start in (1e-6, 0.1)}
print("from s_0 = 1e-6, after 25 steps, the gradient has grown more than 1000-fold:", products[1e-6][25] > 1e3)
print("from s_0 = 0.1, after 25 steps, it has shrunk more than 1000-fold:          ", products[0.1][25] < 1e-3)
print("after 60 steps both have shrunk:", max(products[1e-6][60], products[0.1][60]) < 1)

# %% [markdown] slideshow={"slide_type": "notes"}
# A weight above 1 does not mean an exploding gradient: the state runs into saturation, where tanh′ is small. With ReLU or identity nothing saturates; try it in the widget.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Turn the knobs

# %% tags=["widget", "output-only", "nbval-ignore-output"] nbval_ignore_reason="a widget's output lives in the widget"
@interact(
    activation=Dropdown(options=list(ACTIVATIONS), value="tanh", description="activation"),
    W_S=FloatSlider(1.1, min=-6, max=6, step=0.1, description="weight", continuous_update=False),
    s_0=FloatSlider(0.1, min=0, max=2, step=0.05, description="start", continuous_update=False),
    T=IntSlider(60, min=10, max=120, step=10, description="steps", continuous_update=False),
)
def turn(activation, W_S, s_0, T):
    """Show the influence of the start for one setting."""
    last = influence(activation, W_S, s_0, T)[1][-1]
    show(plot_influence([(activation, W_S, s_0)], T), f"After {T} steps the derivative with respect to the start is {last:.1e}.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Tasks: find the weight at which tanh keeps the gradient longest. Find a setting where the sigmoid does not vanish (its slope is at most a quarter, so a size of at least 4 is necessary; without a bias it is not sufficient, since the state saturates). Why does ReLU with weight 1 stay at exactly 1?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Matrices: three numbers that one might look at
#
# Where all slopes are 1, the product over $k$ steps is the power $W_{hh}^k$. How large is it? Candidates: the determinant, the **spectral radius** $\rho$ (largest absolute eigenvalue), the **norm** $\lVert W \rVert$ (largest singular value).
#
# $$\rho(W)^k \;\le\; \lVert W^k \rVert \;\le\; \lVert W \rVert^k \qquad \lVert W^k \rVert^{1/k} \to \rho(W)$$

# %%
MATRICES = {
    "stretch one way, squeeze the other": np.array([[1.2, 0.0], [0.0, 0.5]]),
    "shear": np.array([[0.8, 1.5], [0.0, 0.8]]),
    "rotate": np.array([[0.8, -0.6], [0.6, 0.8]]),
}


def spectral_radius(W):
    """The largest absolute value of an eigenvalue of W (H, H)."""
    return np.abs(np.linalg.eigvals(W)).max()


def norms_of_powers(W, T):
    """The norms of W, W², … W^T, an array (T,)."""
    return np.array([np.linalg.norm(np.linalg.matrix_power(W, k), ord=2) for k in range(1, T + 1)])

# %% [markdown] slideshow={"slide_type": "notes"}
# Have the class guess for each matrix whether its powers grow.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Which one tells the fate?

# %% tags=["topic-D2", "nbval-check-output"]
print(f"{'':36} det     ρ  ‖W‖  ‖W³‖  ‖W³⁰‖")
for name, W in MATRICES.items():
    rho, norms = spectral_radius(W), norms_of_powers(W, 30)
    print(f"{name:35} {np.linalg.det(W):5.2f} {rho:4.1f} {norms[0]:5.2f} {norms[2]:6.2f} {norms[29]:6.2f}")

# %% [markdown]
# The determinant misleads in the first row: it is below 1, and the powers grow. The norm misleads in the second: it is far above 1, and the powers shrink, after a short rise.

# %% [markdown] slideshow={"slide_type": "notes"}
# Only the spectral radius tells the fate in the long run. The rise of the shear is why a network can explode for a few steps although all its eigenvalues are small. An orthogonal matrix, such as the rotation, keeps every norm: that is why notebook 3 initialised with one.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
k, close = np.arange(1, 1001), 1 + 1e-9  # close: rounding may spoil an equality
for name, W in MATRICES.items():
    rho, norms = spectral_radius(W), norms_of_powers(W, 1000)
    between = np.all(rho**k <= norms * close) and np.all(norms <= norms[0] ** k * close)
    print(f"{name:35} ρ^k ≤ ‖W^k‖ ≤ ‖W‖^k for k to 1000: {between}   ‖W^k‖^(1/k) near ρ: {abs(norms[-1] ** 0.001 - rho) < 0.01}")


# %% [markdown] slideshow={"slide_type": "slide"}
# ### What is sufficient, what is necessary?
#
# The norm of a product is at most the product of the norms, and with tanh slopes are at most 1. So $\lVert W_{hh} \rVert < 1$ is **sufficient** for vanishing, and hence $\lVert W_{hh} \rVert > 1$ **necessary** for exploding. It is not sufficient for exploding: saturation may win.

# %%
def influence_of_start(W_hh, drives):
    """∂h_T/∂h_0 (B, H, H), row i, column j: of h_0[i] on h_T[j], for tanh networks with drives (B, T, H)."""
    h = torch.zeros(len(drives), len(W_hh)).double()
    product = torch.eye(len(W_hh)).double().repeat(len(drives), 1, 1)
    for a in drives.unbind(dim=1):
        h = torch.tanh(a + h @ W_hh)
        product = product @ (W_hh * (1 - h[:, None] ** 2))
    return product

# %% [markdown] slideshow={"slide_type": "notes"}
# For the sigmoid replace 1 by 4, since its slope is at most a quarter.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The product of six matrices, judged

# %% tags=["topic-D2", "nbval-check-output"]
def last_of_six(h):
    """The state after six drives, from a start h (H,)."""
    for a in six[0]:
        h = torch.tanh(a + h @ W_hh)
    return h


six = torch.randn(1, 6, H).double()
jacobian = torch.autograd.functional.jacobian(last_of_six, torch.zeros(H).double())  # of h_T[j] by h_0[i]
print("agrees with autograd to 1e-12:", torch.allclose(influence_of_start(W_hh, six)[0].T, jacobian, rtol=0, atol=1e-12))

# %% [markdown]
# Autograd puts the state that is differentiated first, our product the state by which one differentiates: hence the transpose.

# %% [markdown] slideshow={"slide_type": "notes"}
# The norm is the same for both.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Tested on random networks
#
# Twenty sequences of 50 steps for each statement; all of a kind must agree:

# %% tags=["topic-D2", "nbval-check-output"]
def norms_after(W, size, T=50):
    """‖∂h_T/∂h_0‖ (20,) for random drives of a size."""
    return torch.linalg.matrix_norm(influence_of_start(W, size * torch.randn(20, T, len(W)).double()), ord=2)


W = torch.randn(16, 16).double()
small, large = 0.95 * torch.linalg.qr(W)[0], 1.5 * W / spectral_radius(W.numpy())
bounded, tiny, loud = norms_after(small, 1e-3), norms_after(large, 1e-9, T=30), norms_after(large, 5.0)
print("norm 0.95: all near and below 0.95^50:          ", 0.9 < bounded.min().item() / 0.95**50 <= bounded.max().item() / 0.95**50 <= 1)
print("radius 1.5, tiny drives, 30 steps: all above 10:", (tiny.min() > 10).item())
print("radius 1.5, loud drives: all below 0.001:       ", (loud.max() < 1e-3).item())

# %% [markdown]
# The same matrix explodes while the states are small and vanishes when large drives saturate them.

# %% [markdown] slideshow={"slide_type": "notes"}
# The two conditions are those of Pascanu, Mikolov and Bengio 2013; the experiments are ours. A spectral radius below 1 is not sufficient for vanishing either, once slopes differ from unit to unit.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The film: which step teaches what?
#
# The lectures show a film: a network reads 128 steps, the error enters at the last one, and each step's gradient on $W_{xh}$ is drawn while the network trains. Here it is made from code, for seven networks.
#
# Only ReLU and the LSTM come with settings of their own: weights from state to state that start as the identity (Le, Jaitly and Hinton 2015), and a forget gate whose bias is 0, 1 or 3.

# %% [markdown] slideshow={"slide_type": "notes"}
# The film of the lecture shows two networks and no code.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The cells
#
# Each gets its drive $a_t = x_t W_{xh} + b_h$ from outside, so that every step can have its own copy of $W_{xh}$.

# %%
def sigmoid_cell(a, state, W_hh):
    """The next state ((R, B, H),) of R networks from their drives a (R, B, H)."""
    (h,) = state
    return (torch.sigmoid(a + h @ W_hh),)


def tanh_cell(a, state, W_hh):
    """The same with tanh: the plain RNN."""
    (h,) = state
    return (torch.tanh(a + h @ W_hh),)


def relu_cell(a, state, W_hh):
    """The same with ReLU."""
    (h,) = state
    return (torch.relu(a + h @ W_hh),)

# %% [markdown] slideshow={"slide_type": "notes"}
# R networks compute side by side: their matrices are stacked, and @ multiplies each network by its own. Several random starts then cost little more than one.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two cells with gates
#
# Notebook 5 takes them apart. Here only one thing matters: their old memory is *multiplied by a gate* between 0 and 1, $f$ or $z$, not by a fixed matrix.

# %%
def lstm_cell(a, state, W_hh):
    """The next states (h, c) of R LSTMs from their drives (R, B, 4H), in PyTorch's order of the gates."""
    h, c = state
    i, f, g, o = (a + h @ W_hh).chunk(4, dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def gru_cell(a, state, W_hh):
    """The next state (h,) of R GRUs from their drives (R, B, 3H), in PyTorch's order of the gates."""
    (h,) = state
    (a_r, a_z, a_n), (h_r, h_z, h_n) = a.chunk(3, dim=-1), (h @ W_hh).chunk(3, dim=-1)
    z = torch.sigmoid(a_z + h_z)
    n = torch.tanh(a_n + torch.sigmoid(a_r + h_r) * h_n)
    return (z * h + (1 - z) * n,)

# %% [markdown] slideshow={"slide_type": "notes"}
# Point at the two products that carry memory: sigmoid(f) times c, and z times h. With a gate near 1 the factor per step is near 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### New networks, and how they read
#
# `bias` is added to the gate that keeps the memory ($f$ of the LSTM, $z$ of the GRU).

# %%
BLOCKS = {sigmoid_cell: 1, tanh_cell: 1, relu_cell: 1, lstm_cell: 4, gru_cell: 3}


def new_networks(cell, R, V, H, K, W_hh="uniform", bias=0.0):
    """Weights of R networks that read V symbols and choose among K: W_xh, W_hh, b_h, W_hy, b_y."""
    weights = [(2 * torch.rand(R, n, BLOCKS[cell] * H) - 1) / H**0.5 for n in (V, H)]
    weights += [torch.zeros(R, 1, BLOCKS[cell] * H), (2 * torch.rand(R, H, K) - 1) / H**0.5, torch.zeros(R, 1, K)]
    if W_hh == "identity":
        weights[0] *= 0.1
        weights[1] = torch.eye(H).repeat(R, 1, 1)
    if W_hh == "orthogonal":
        weights[1] = torch.linalg.qr(torch.randn(R, H, H))[0]
    weights[2][..., H : 2 * H] += bias
    return weights

# %% [markdown] slideshow={"slide_type": "notes"}
# "Uniform" is torch.nn's own initialisation, but for the biases, which begin at 0 here. In both gated cells the gate that keeps is the second block, so one line serves both. The identity start takes small input weights, so that the ReLU network does not begin with huge states.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Reading
#
# The loop of notebook 3, for a cell of any kind and for $R$ networks at once:

# %%
def last_state(cell, drives, W_hh):
    """The last state (R, B, H) after the drives of all steps."""
    zero = torch.zeros(len(W_hh), drives[0].shape[1], W_hh.shape[1], dtype=W_hh.dtype)
    state = (zero, zero) if cell is lstm_cell else (zero,)
    for a in drives:
        state = cell(a, state, W_hh)
    return state[0]


def scores(cell, weights, x):
    """Scores (R, B, K) of R networks after reading symbols x (B, T)."""
    W_xh, W_hh, b_h, W_hy, b_y = weights
    drives = (W_xh[:, x.T] + b_h[:, None]).unbind(dim=1)  # T times (R, B, H or more)
    return last_state(cell, drives, W_hh) @ W_hy + b_y

# %%
weights = new_networks(gru_cell, R=3, V=6, H=7, K=2)
tuple(scores(gru_cell, weights, torch.randint(6, (5, 9))).shape)  # (R, B, K)

# %% [markdown] slideshow={"slide_type": "notes"}
# W_xh[:, x.T] picks the rows of all symbols at once, with time as second dimension; unbind cuts it into steps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Equal to `torch.nn`
#
# A one-hot symbol picks its row of $W_{xh}$. Same weights, same symbols:

# %% tags=["topic-D5", "nbval-check-output"]
x = torch.randint(6, (5, 9))
for cell, module in {
    tanh_cell: nn.RNN(6, 7, batch_first=True),
    relu_cell: nn.RNN(6, 7, nonlinearity="relu", batch_first=True),
    lstm_cell: nn.LSTM(6, 7, batch_first=True),
    gru_cell: nn.GRU(6, 7, batch_first=True),
}.items():
    weights = new_networks(cell, R=1, V=6, H=7, K=3, bias=1.0)
    W_xh, W_hh, b_h, W_hy, b_y = (W[0] for W in weights)
    for theirs, ours in zip(module.parameters(), (W_xh.T, W_hh.T, b_h[0], 0 * b_h[0])):
        theirs.data = ours.clone()
    states, _ = module(nn.functional.one_hot(x, 6).float())
    difference = scores(cell, weights, x)[0] - (states[:, -1] @ W_hy + b_y)
    print(f"{cell.__name__:9} equals torch.nn.{type(module).__name__:4} to 1e-6: {difference.abs().max().item() < 1e-6}")

# %% [markdown] slideshow={"slide_type": "notes"}
# So every picture that follows holds for PyTorch's cells as well. The sigmoid cell has no counterpart there.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The task: recall the first symbol
#
# The first of $T$ symbols is one of four. Then come symbols that mean nothing, eight different ones. After the last, name the first. Nothing but the gradient from the end can teach the first step.

# %%
def recall(T, generator):
    """A function that draws B rows of T symbols and the first of each, (B, T) and (B,)."""

    def draw(B):
        x = torch.randint(4, 12, (B, T), generator=generator)
        x[:, 0] = torch.randint(4, (B,), generator=generator)
        return x, x[:, 0]

    return draw


recall(10, torch.Generator().manual_seed(0))(2)

# %% [markdown] slideshow={"slide_type": "notes"}
# The meaningless symbols are what makes it hard: they push the state about at every step.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A gradient for each copy
#
# Give each step its own copy of $W_{xh}$, and ask autograd for the gradient with respect to each:

# %%
def profile(cell, weights, x, y):
    """The gradients with respect to each step's copy of W_xh, (T, R, V, H or more), and their norms (T, R)."""
    W_xh, W_hh, b_h, W_hy, b_y = (W.detach() for W in weights)
    copies = [W_xh.clone().requires_grad_() for _ in x.T]
    h = last_state(cell, [W[:, x_t] + b_h for W, x_t in zip(copies, x.T)], W_hh)
    loss = cross_entropy((h @ W_hy + b_y).flatten(0, 1), y.repeat(len(h))) * len(h)
    parts = torch.stack(torch.autograd.grad(loss, copies))
    return parts, parts.double().flatten(2).norm(dim=2)  # squares of tiny numbers need 64 bits

# %% [markdown] slideshow={"slide_type": "notes"}
# The loss is the sum over the R networks of their mean losses: as the networks share nothing, each gets its own gradient.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Seven networks
#
# Three LSTMs, with forget gates at $\sigma(0) = 0.5$, $\sigma(1) = 0.73$ and $\sigma(3) = 0.95$.

# %%
FILM = {
    "sigmoid": (sigmoid_cell, {}), "tanh": (tanh_cell, {}),
    "ReLU, identity": (relu_cell, {"W_hh": "identity"}),
    "LSTM": (lstm_cell, {"R": 3, "bias": torch.tensor([0.0, 1.0, 3.0])[:, None, None]}),
    "GRU, bias 0": (gru_cell, {}),
}
cast = {name: new_networks(cell, **{"R": 1, "V": 12, "H": 32, "K": 4} | own) for name, (cell, own) in FILM.items()}
audience = recall(128, torch.Generator().manual_seed(0))(16)  # the same rows for every picture

# %%
{name: tuple(weights[0].shape) for name, weights in cast.items()}  # W_xh (R, V, H times the blocks of the cell)

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask for predictions: which of the seven will carry the error from step 128 back to step 1?

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The parts sum to the ordinary gradient
#
# For each of the networks, over all 128 steps:

# %% tags=["topic-D5", "nbval-check-output"]
x, y = audience
for name, (cell, _) in FILM.items():
    weights = [W.double().requires_grad_() for W in cast[name]]
    R = len(weights[0])
    (cross_entropy(scores(cell, weights, x).flatten(0, 1), y.repeat(R)) * R).backward()
    difference = profile(cell, weights, x, y)[0].sum(0) - weights[0].grad
    print(f"{name:15} sum of 128 parts = gradient, to 1e-10: {difference.abs().max().item() < 1e-10}")

# %% [markdown] slideshow={"slide_type": "notes"}
# So the film shows real shares of the real gradient.

# %% slideshow={"slide_type": "skip"}
ROLES = {
    "sigmoid": (COLOR["baseline"], "-"),
    "tanh": (COLOR["rnn"], "-"),
    "tanh, orthogonal": (COLOR["rnn"], "--"),
    "ReLU": (COLOR["state"], ":"),
    "ReLU, identity": (COLOR["state"], "--"),
    "LSTM, bias 0": (COLOR["lstm"], ":"),
    "LSTM, bias 1": (COLOR["lstm"], "--"),
    "LSTM, bias 3": (COLOR["lstm"], "-"),
    "GRU, bias 0": (COLOR["gru"], ":"),
    "GRU, bias 3": (COLOR["gru"], "-"),
}


def plot_profiles(norms):
    """Draw each network's gradient norm by step, from norms {name: (T,)}."""
    fig, ax = plt.subplots(figsize=(7.8, 3.0))
    for name, values in norms.items():
        color, style = ROLES[name]
        ax.semilogy(range(1, len(values) + 1), np.clip(values, 1e-25, None), style, color=color, label=name, antialiased=False)
    ax.set(xlabel="step, $t$", ylabel=r"gradient, copy of $W_{xh}$", ylim=(1e-20, 1e2), xlim=(1, 128))
    fig.legend(loc="outside right center")
    return fig


def all_profiles():
    """The norms {name: (T,)} of all seven networks as they are now."""
    norms = {}
    for name, (cell, _) in FILM.items():
        columns = profile(cell, cast[name], *audience)[1].T.numpy()
        names = [f"LSTM, bias {b}" for b in (0, 1, 3)] if name == "LSTM" else [name]
        norms.update(zip(names, columns))
    return norms

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Training
#
# Clip each network's gradient, then let Adam make a step. `limit` holds one number for each network; infinity means no clipping.

# %%
def clip_each(weights, limit):
    """Shrink the gradient of network r to norm limit[r] wherever it is longer."""
    norms = sum(W.grad.flatten(1).square().sum(1) for W in weights).sqrt()
    for W in weights:
        W.grad *= (limit / norms).clamp(max=1)[:, None, None]


def fit(cell, weights, draw, optimizer, steps, limit):
    """Fit R networks side by side to batches of draw(B); limit (R,) bounds the norms of their gradients."""
    for _ in range(steps):
        x, y = draw(16)
        loss = cross_entropy(scores(cell, weights, x).flatten(0, 1), y.repeat(len(limit))) * len(limit)
        optimizer.zero_grad()
        loss.backward()
        clip_each(weights, limit)
        optimizer.step()

# %% [markdown] slideshow={"slide_type": "notes"}
# Adam works on each number by itself, so one optimizer serves all R networks without mixing them.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Shooting
#
# Five pictures, eight steps of training between one and the next:

# %%
def shoot(pictures=5, steps=8, lr=0.001):
    """Train all networks, and take their profiles every few steps."""
    adam = {name: torch.optim.Adam([W.requires_grad_() for W in weights], lr) for name, weights in cast.items()}
    draw, profiles = recall(128, torch.Generator().manual_seed(1)), [all_profiles()]
    for _ in range(pictures - 1):
        for name, (cell, _) in FILM.items():
            fit(cell, cast[name], draw, adam[name], steps, limit=torch.ones(len(cast[name][0])))
        profiles.append(all_profiles())
    return profiles


profiles = shoot()
len(profiles)

# %% [markdown] slideshow={"slide_type": "notes"}
# While it computes: what would a perfect memory look like? A line that stays level, or that points at step 1.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The film

# %% tags=["topic-D5", "output-only"]
show_film(
    map(plot_profiles, profiles),
    [f"training step {8 * i}" for i in range(5)],
    "Step 1, seen from step 128, by seven networks: the slope of a line is the factor per step. One seed, 32 small steps of training.",
)

# %% [markdown] slideshow={"slide_type": "notes"}
# The first picture is before any training. Read the slopes: a straight line on a logarithmic axis is a constant factor per step. Gates alone do not help: the GRU and the LSTM with bias 0 begin with gates half open, hence with a factor not far above one half. Then press the button.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What changed
#
# The gradient at step 1 divided by that at step 128, before and after 32 steps of training:

# %% tags=["topic-D5"]
for name in profiles[0]:
    ratios = [norms[name][0] / norms[name][-1] for norms in (profiles[0], profiles[-1])]
    print(f"{name:15} before {ratios[0]:7.0e}   after {ratios[1]:7.0e}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
for name in profiles[0]:
    sees = [bool(norms[name][0] > norms[name][-1] / 1000) for norms in (profiles[0], profiles[-1])]
    print(f"{name:15} step 1 gets more than a thousandth of step 128's: before {sees[0]!s:5}  after {sees[1]}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Zero: smaller than single precision can hold, below 1e-45. One seed, a small learning rate, few steps: larger steps change the weights, and with them the factor, as the race will show.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The cliff
#
# What does an exploding gradient look like from above? The smallest example has one unit, no input and two weights (Pascanu, Mikolov and Bengio 2013):
#
# $$s_t = w\, \sigma(s_{t-1}) + b \qquad s_0 = 0.5 \qquad J = \big(\sigma(s_{50}) - 0.7\big)^2$$

# %%
def cliff_loss(w, b, T=50):
    """The loss after T steps for weights w and b, tensors of one shape."""
    s = torch.full_like(w, 0.5)
    for _ in range(T):
        s = w * torch.sigmoid(s) + b
    return (torch.sigmoid(s) - 0.7) ** 2

# %% [markdown] slideshow={"slide_type": "notes"}
# Fifty steps of one unit: for w above 4 there are, in a range of b, three fixed points: two attract the state, the one between them repels it. Where the state changes from one of the two to the other, the loss jumps.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Its slope
#
# The loss depends on two numbers only, so its gradient is an arrow in a plane:

# %%
def slope(w, b):
    """The loss at (w, b), and its gradient (2,)."""
    point = torch.tensor([w, b], dtype=torch.float64, requires_grad=True)
    loss = cliff_loss(point[0], point[1])
    loss.backward()
    return loss.item(), point.grad.numpy()

# %% tags=["topic-D2", "nbval-check-output"]
in_w = by_differences(lambda w: slope(w, -2.0)[0], 4.3)
in_b = by_differences(lambda b: slope(4.3, b)[0], -2.0)
print("the slopes in w and b agree with differences to 1e-8:", np.abs(slope(4.3, -2.0)[1] - [in_w, in_b]).max() < 1e-8)

# %% [markdown] slideshow={"slide_type": "notes"}
# The same comparison as for the chain: one number against a difference.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Across the wall
#
# Four values of $b$, at $w = 6$:

# %%
for b in (-1.0, -2.0, -3.0, -3.5):
    print(f"w = 6, b = {b}: loss {slope(6.0, b)[0]:.3f}, length of the gradient {np.hypot(*slope(6.0, b)[1]):.3f}")
low, high = -3.5, -3.0  # the wall is between: halve the distance again and again
for _ in range(40):
    middle = (low + high) / 2
    low, high = (middle, high) if slope(6.0, middle)[0] > 0.25 else (low, middle)
print(f"at the wall, b = {high:.4f}: length of the gradient {np.hypot(*slope(6.0, high)[1]):.0e}")

# %% [markdown] slideshow={"slide_type": "notes"}
# Between the last two values of b the loss jumps. The gradient there is larger by many orders of magnitude than anywhere around.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Two descents
#
# Both start on the wall, at $w = 4.5$, $b = -2.303$, with learning rate 1. One of them clips the gradient to length 0.1.

# %%
def descend(limit, w=4.5, b=-2.303, lr=1.0, steps=100):
    """The path (steps + 1, 2) of gradient descent with gradients clipped to a length."""
    path = [np.array([w, b])]
    for _ in range(steps):
        _, gradient = slope(*path[-1])
        path.append(path[-1] - lr * gradient * min(1, limit / np.hypot(*gradient)))
    return np.array(path)

# %% [markdown] slideshow={"slide_type": "notes"}
# Ordinary gradient descent, nothing hidden. min(1, limit / length) is clipping by norm.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Free and clipped

# %% tags=["topic-D2", "topic-D4", "nbval-check-output"]
free, clipped = descend(limit=math.inf), descend(limit=0.1)
print(f"the first free step is {np.hypot(*(free[1] - free[0])):.0f} long, to w = {free[1][0]:.0f}, b = {free[1][1]:.0f}")
for name, path in {"free": free, "clipped": clipped}.items():
    losses = [slope(*point)[0] for point in path]
    rises = sum(after > before for before, after in zip(losses, losses[1:]))
    print(f"{name:8} loss {losses[0]:.2f}, in the last ten steps at most {max(losses[-10:]):.2f}; rises in {rises} of 100 steps")

# %% [markdown]
# The gradient points the right way, but it is a hundred times too long. Where the free step lands, the slope is zero, and nothing moves any more. The clipped descent does not walk straight down: it zigzags at the foot of the wall, and in every other step its loss *rises*. But no step is longer than 0.1, the swings become smaller, and it gets into the valley. A smaller learning rate does not end the zigzag (try `lr=0.1`); it only narrows it.

# %% [markdown] slideshow={"slide_type": "notes"}
# The same start, the same learning rate, the same loss. Next: the picture.

# %% slideshow={"slide_type": "skip"}
def plot_cliff():
    """Draw the loss over (w, b) with both paths, and a cut through the wall."""
    fig, (left, right) = plt.subplots(1, 2, width_ratios=(3, 2))
    w, b = np.linspace(3, 7, 161), np.linspace(-4, 0.5, 181)
    loss = cliff_loss(*(torch.tensor(a) for a in np.meshgrid(w, b)))
    left.contourf(w, b, loss, levels=[0, 0.03, 0.08, 0.3, 0.5], colors=["#FFFFFF", "#DDDDDD", "#AAAAAA", "#666666"])
    left.plot(*free.T, "--", color=COLOR["state"], label="free")
    left.plot(*clipped.T, ".-", color=COLOR["input"], label="clipped")
    left.plot(*free[0], "o", color=COLOR["ink"], label="start")
    left.set(xlabel="$w$", ylabel="$b$", xlim=(3, 7), ylim=(-4, 0.5), title="loss over $(w, b)$: the darker, the higher")
    left.grid(False)
    left.legend(loc="upper right")
    cut = np.linspace(-4, 0.5, 2000)
    right.plot(cut, cliff_loss(torch.full((2000,), 6.0).double(), torch.tensor(cut)), color=COLOR["gradient"])
    right.set(xlabel="$b$", title="a cut at $w = 6$: the loss", ylim=(0, 0.5))
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Seen from above, and cut through

# %% tags=["topic-D2", "output-only"]
show(plot_cliff(), "The loss has a wall. A free step from the wall leaves the picture for good; clipped ones zigzag down into the valley.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
last_losses = [slope(*point)[0] for point in clipped[-10:]]
print("the clipped descent stays below a tenth of the loss at the start:", max(last_losses) < slope(*free[0])[0] / 10)
print("the free one ends far outside, with no slope left:", np.hypot(*free[-1]) > 50 and np.hypot(*slope(*free[-1])[1]) < 1e-6)

# %% [markdown] slideshow={"slide_type": "notes"}
# The surface is computed, not drawn: change the number of steps T and watch the wall become steeper. Clipping does not remove the wall; it makes the crash harmless.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 2 · Clip by norm
#
# `gradients` is a list of arrays, one for each weight matrix; `limit` is a number. Return the list, shrunk so that the length of *all* entries together is at most `limit`, and the direction is kept. **Predict:** what happens to a short gradient?
#
# <details><summary>Answer</summary>Nothing: clipping only ever shortens.</details>

# %% tags=["exercise-2-stub"]
def clip_by_norm(gradients, limit):
    """The gradients, a list of arrays, shrunk together to norm `limit` if they are longer."""
    return ...

# %% tags=["exercise-2-check"] slideshow={"slide_type": "skip"}
def check_clip_by_norm(attempt):
    """Try an attempt on long, short and unequal gradients."""

    def length(gradients):
        return math.sqrt(sum((g**2).sum() for g in gradients))

    def shrunk(gradients, factor):
        return [g * factor for g in gradients]

    def by(size):
        return lambda gradients, limit: shrunk(gradients, min(1, limit / size(gradients)))

    def only_if(is_long):
        return lambda gradients, limit: shrunk(gradients, limit / length(gradients) if is_long(gradients, limit) else 1)

    matrix, short, pair = np.array([[3.0, -1.0], [0.5, 2.0], [0.0, 1.0]]), np.array([0.2, -0.4]), np.array([0.6, 0.6])
    inputs = [([np.array([3.0]), np.array([4.0])], 1.0), ([matrix, short], 2.0), ([matrix, short], 0.5), ([short, -short], 5.0), ([short, 5 * matrix], 4.0)]
    inputs += [([pair, pair.copy()], 1.0), ([pair, pair.copy()], 1.5), ([2 * pair, 2 * pair], 3.0), ([10 * matrix, matrix], 6.0)]
    return check(
        attempt,
        cases=[((g, limit), by(length)(g, limit)) for g, limit in inputs],
        misconceptions={
            "this clips by value: it bends the gradient in another direction": (
                lambda gradients, limit: [np.clip(g, -limit, limit) for g in gradients]
            ),
            "each array is clipped by itself: the arrays must keep their proportion, so take one norm of all": (
                lambda gradients, limit: [g * min(1, limit / length([g])) for g in gradients]
            ),
            "short gradients are stretched: clipping must leave them alone": only_if(lambda gradients, limit: True),
            "long and short are exchanged: shrink if the norm is above the limit": only_if(lambda gradients, limit: length(gradients) < limit),
            "the factor is turned over: multiply by limit / norm, not by norm / limit": (
                lambda gradients, limit: shrunk(gradients, max(1, length(gradients) / limit))
            ),
            "the root is missing: this is the square of the length": by(lambda gradients: length(gradients) ** 2),
            "the sum of the arrays' norms is not the norm of all entries: add squares": by(lambda gradients: sum(length([g]) for g in gradients)),
            "the norm of one array only: the norm takes the entries of all arrays": by(lambda gradients: length(gradients[-1:])),
            "the norm of the first array only: the norm takes the entries of all arrays": by(lambda gradients: length(gradients[:1])),
            "this is the longest array's norm: the norm takes the entries of all arrays": (
                by(lambda gradients: max(length([g]) for g in gradients))
            ),
            "this is the sum of absolute values; the length is the root of the sum of squares": (
                by(lambda gradients: sum(np.abs(g).sum() for g in gradients))
            ),
            "this is the largest entry; the length takes all entries": by(lambda gradients: max(np.abs(g).max() for g in gradients)),
            "np.linalg.norm(matrix, 2) is the largest singular value; here the root of the sum of squares is meant": (
                by(lambda gradients: math.hypot(*(np.linalg.norm(g, 2) for g in gradients)))
            ),
            "this is the length of an average entry; take the sum of squares, not their mean": (
                by(lambda gradients: length(gradients) / math.sqrt(sum(g.size for g in gradients)))
            ),
            "long gradients are divided by their length, but not multiplied by the limit": (
                lambda gradients, limit: shrunk(gradients, 1 / length(gradients) if length(gradients) > limit else 1)
            ),
            "nothing is clipped: the gradients come back unchanged": lambda gradients, limit: gradients,
            "a long gradient is thrown away, its direction is lost: shrink it": (
                lambda gradients, limit: shrunk(gradients, 0 if length(gradients) > limit else 1)
            ),
            "the excess is subtracted from every entry, which turns the direction: multiply by limit / norm": (
                lambda gradients, limit: [g - max(0, length(gradients) - limit) for g in gradients]
            ),
            "one norm for all arrays, but only one array is left: return the whole list": lambda gradients, limit: by(length)(gradients, limit)[0],
        },
    )


check_clip_by_norm(clip_by_norm)

# %% tags=["exercise-2-solution"] slideshow={"slide_type": "skip"}
def clip_by_norm_solution(gradients, limit):
    """The gradients, a list of arrays, shrunk together to norm `limit` if they are longer."""
    norm = math.sqrt(sum((gradient**2).sum() for gradient in gradients))
    return [gradient * limit / norm for gradient in gradients] if norm > limit else gradients


check_clip_by_norm(clip_by_norm_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# torch.nn.utils.clip_grad_norm_ does the same, with a tiny number added to the norm. The two ways are compared next.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Norm or value?
#
# By norm, $g \leftarrow g \cdot \min\big(1, c / \lVert g \rVert\big)$. By value, each entry alone: $g_i \leftarrow \min(c, \max(-c, g_i))$. The cosine between old and new gradient tells whether the direction is kept:

# %% tags=["topic-D4"]
old, new = [torch.randn(8, 5) * 3, torch.randn(5)], {}
for name, clip in {"norm": nn.utils.clip_grad_norm_, "value": nn.utils.clip_grad_value_}.items():
    weights = [nn.Parameter(torch.zeros_like(g)) for g in old]
    for W, g in zip(weights, old):
        W.grad = g.clone()
    clip(weights, 0.5)
    new[name] = [W.grad for W in weights]
    print(name, new[name][1].numpy().round(2))

# %% [markdown] slideshow={"slide_type": "notes"}
# The second array, clipped both ways: by value, entries stop at the limit; by norm, all shrink alike.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Norm or value: measured

# %% tags=["topic-D4", "nbval-check-output"]
for name, clipped_by in new.items():
    before, after = (torch.cat([g.flatten() for g in gradients]) for gradients in (old, clipped_by))
    print(f"by {name:5}  length {after.norm():.2f}   cosine {torch.cosine_similarity(before, after, dim=0):.2f}")
ours = clip_by_norm_solution([g.numpy() for g in old], 0.5)
same = all(np.allclose(a, b, atol=1e-6) for a, b in zip(ours, new["norm"]))
print("the exercise's solution equals torch's clip_grad_norm_ to 1e-6:", same)
clamped = all(torch.equal(g.clamp(-0.5, 0.5), b) for g, b in zip(old, new["value"]))
print("torch's clip_grad_value_ is the formula above:", clamped)

# %% [markdown] slideshow={"slide_type": "notes"}
# By value is not wrong, just different: with a small limit it becomes the sign of the gradient. Both ways lead downhill; by norm is the direction of steepest descent.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Clipping does not cure vanishing
#
# Clipping multiplies *all* parts of the gradient by one number, so each step's share stays what it is. How large is it, in a plain RNN of 24 steps?

# %% tags=["topic-D4", "nbval-check-output"]
weights = new_networks(tanh_cell, R=1, V=12, H=32, K=4)
parts, _ = profile(tanh_cell, weights, *recall(24, torch.Generator().manual_seed(0))(16))
share = parts[0].norm() / parts.sum(0).norm()
print("the first of 24 steps has less than a thousandth of the gradient:", share.item() < 1e-3)

# %% [markdown]
# Clipping bounds explosions. Against vanishing the factor itself must change: by the start of the weights, by the cell, or by training, which changes the weights.

# %% [markdown] slideshow={"slide_type": "notes"}
# Some slides list clipping among the cures for vanishing gradients. It bounds steps; it cannot make a silent step speak.
# %% [markdown] slideshow={"slide_type": "slide"}
# ## Remedies raced
#
# The recall task with growing gaps. Eight networks of equal size (within 2 %), each from three seeds, each with and without clipping (length 1), 150 batches of 16:

# %%
RACE = {  # cell, H, start of W_hh, biases of the gate that keeps, learning rate
    "tanh": (tanh_cell, 48, "uniform", [0], 0.01),
    "tanh, orthogonal": (tanh_cell, 48, "orthogonal", [0], 0.003),
    "ReLU": (relu_cell, 48, "uniform", [0], 0.003),
    "ReLU, identity": (relu_cell, 48, "identity", [0], 0.003),
    "LSTM": (lstm_cell, 22, "uniform", [1, 3], 0.003),
    "GRU": (gru_cell, 26, "uniform", [0, 3], 0.01),
}
sizes = {name: sum(W.numel() for W in new_networks(cell, 1, 12, H, 4)) for name, (cell, H, *_) in RACE.items()}
sizes

# %% [markdown] slideshow={"slide_type": "notes"}
# Learning rates were chosen from 0.001, 0.003, 0.01 and 0.03 on other seeds, one for each row. The bias is that of the gate that keeps the memory.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### At the start
#
# The networks with clipping and those without begin with the same weights:

# %%
def starters(name, V, K):
    """Names of the contestants of one kind of cell, and their weights: three seeds for each bias."""
    cell, H, W_hh, biases, _ = RACE[name]
    torch.manual_seed(0)
    bias = torch.tensor(biases).repeat_interleave(3)[:, None, None]
    weights = new_networks(cell, 3 * len(biases), V, H, K, W_hh, bias)
    return [name if len(biases) == 1 else f"{name}, bias {b}" for b in biases], weights


def race(name, gap, steps=150):
    """{name: accuracies (2, 3)} after training on one gap: clipped or not, three seeds."""
    (names, weights), (cell, *_, lr) = starters(name, 12, 4), RACE[name]
    weights = [W.repeat(2, 1, 1).requires_grad_() for W in weights]
    limit = torch.tensor([1.0, math.inf]).repeat_interleave(3 * len(names))
    draw, adam = recall(gap + 1, torch.Generator().manual_seed(1)), torch.optim.Adam(weights, lr, betas=(0.9, 0.99))
    fit(cell, weights, draw, adam, steps, limit)
    return dict(zip(names, share_right(cell, weights, *draw(500)).view(2, len(names), 3).transpose(0, 1).numpy()))

# %% slideshow={"slide_type": "skip"}
def share_right(cell, weights, x, y):
    """The share (R,) of right answers y (B,) of R networks."""
    with torch.no_grad():
        return (scores(cell, weights, x).argmax(dim=2) == y).float().mean(dim=1)


GAPS = (8, 20, 48)
finish = [{who: right for name in RACE for who, right in race(name, gap).items()} for gap in GAPS]
right = {who: np.array([at_gap[who] for at_gap in finish]) for who in finish[0]}  # (gaps, 2, 3) each

# %% [markdown] slideshow={"slide_type": "notes"}
# Six networks of a kind, or twelve, train side by side: two ways of clipping times three seeds times the biases.

# %% [markdown] slideshow={"slide_type": "skip"}
# The plot:

# %% slideshow={"slide_type": "skip"}
def plot_race():
    """Draw the accuracies against the gap: mean and range of three seeds, with and without clipping."""
    fig, axes = plt.subplots(1, 2, sharey=True, figsize=(8.6, 3.1))
    for i, (name, shares) in enumerate(right.items()):
        color, style = ROLES[name]
        for ax, part in zip(axes, (shares[:, 0], shares[:, 1])):
            mean = part.mean(axis=1)
            spread = np.array([mean - part.min(axis=1), part.max(axis=1) - mean])
            where = np.array(GAPS) * 1.03 ** (i - 3)
            ax.errorbar(where, mean, spread, fmt="o", ls=style, color=color, lw=1.6, elinewidth=1, label=name)
    for ax, title in zip(axes, ("clipped", "not clipped")):
        ax.axhline(0.25, color=COLOR["baseline"], lw=1)
        ax.set(xscale="log", xlabel="gap, symbols between", title=title)
        ax.set_xticks(GAPS, labels=GAPS)
        ax.minorticks_off()
    axes[0].set(ylabel="accuracy", ylim=(0, 1.05))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Accuracy against gap

# %% tags=["topic-D4", "output-only"]
show(plot_race(), "Gated cells bridge 48 symbols if their gates start open (bias 3), and fail if they start at bias 1 or 0. Bars: range of three seeds; grey: chance.")

# %% [markdown] slideshow={"slide_type": "notes"}
# A surprise for most: if their gates begin half open, the gated cells are far behind the plain one here; the next slide but one says how it learns. Their advantage is that the factor can be set, by a bias, and later learned. Gers and colleagues 2000 and Jozefowicz and colleagues 2015 recommend to set the forget bias, the latter to 1 or 2; 3 is our choice for a gap this wide.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The widest gap in numbers
#
# Accuracy on 500 new rows with 48 symbols between, for each of the three seeds; chance is 0.25:

# %% tags=["topic-D4", "output-only"]
print(f"{'':18} parameters   clipped          not clipped")
for name, shares in right.items():
    size = sizes[name.split(", bias")[0]]
    print(f"{name:18} {size:10,}   " + "   ".join(" ".join(f"{one:.2f}" for one in starts) for starts in shares[-1]))

# %% tags=["nbval-check-output"]
at_widest = {name: shares[-1, 0].mean() for name, shares in right.items()}
for cell, shut in (("LSTM", "bias 1"), ("GRU", "bias 0")):
    print(f"{cell} with bias 3 above 0.9, with {shut} below 0.4:", at_widest[f"{cell}, bias 3"] > 0.9 and at_widest[f"{cell}, {shut}"] < 0.4)

# %% [markdown] slideshow={"slide_type": "notes"}
# Clipping helps ReLU with identity, whose states may grow; for tanh there is no clear effect. ReLU alone does not help: the identity does. This is a race on a fixed budget: with more batches, more of them arrive.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Film and race: a contradiction?
#
# In the film nothing arrived at the plain cell from step 1; in the race it learned. What changed is the step: the film trained with rate 0.001, the race with 0.01. So take the race's plain networks, three seeds, at the widest gap, before and after 50 batches at both rates:

# %% slideshow={"slide_type": "skip"}
def trained_a_little(lr, steps=50, T=49):
    """Gradient norms by step (T, 3) and spectral radii of W_hh (3,) of the race's plain networks after some steps."""
    weights = [W.requires_grad_() for W in starters("tanh", 12, 4)[1]]
    draw, adam = recall(T, torch.Generator().manual_seed(1)), torch.optim.Adam(weights, lr, betas=(0.9, 0.99))
    fit(tanh_cell, weights, draw, adam, steps, limit=torch.ones(3))
    norms = profile(tanh_cell, weights, *recall(T, torch.Generator().manual_seed(0))(16))[1]
    return norms.numpy(), [spectral_radius(W.detach().numpy()) for W in weights[1]]


little = {"untrained": trained_a_little(0.01, steps=0)} | {f"rate {lr}": trained_a_little(lr) for lr in (0.001, 0.01)}

# %% [markdown] slideshow={"slide_type": "skip"}
# The plot:

# %% slideshow={"slide_type": "skip"}
def plot_healing():
    """Draw the gradient norm by step of the plain networks, untrained and trained at two rates."""
    fig, ax = plt.subplots(figsize=(8.6, 3.0))
    styles = {"untrained": ("baseline", "-"), "rate 0.001": ("ink", ":"), "rate 0.01": ("rnn", "-")}
    for name, (norms, _) in little.items():
        color, style = styles[name]
        for r, column in enumerate(norms.T):
            ax.semilogy(range(1, len(column) + 1), column, style, color=COLOR[color], label=name if r == 0 else None)
    ax.set(xlabel="step, $t$", ylabel=r"gradient by the copy of $W_{xh}$", xlim=(1, 49))
    fig.legend(loc="outside right center")
    return fig

# %% tags=["topic-D5", "output-only"]
show(plot_healing(), "Training heals the gradient, if its steps are large enough: after 50 batches at rate 0.01 step 1 is heard; at 0.001 it is as silent as before.")

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask first: who is right, film or race? Both. It is no guarantee: the table of the widest gap shows how often it goes wrong, and a longer gap starts with a smaller ratio.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### The step makes the difference
#
# In numbers, for each of the three seeds:

# %% tags=["output-only"]
for name, (norms, radii) in little.items():
    ratios, radii = (" ".join(f"{one:{form}}" for one in three) for three, form in ((norms[0] / norms[-1], "6.0e"), (radii, ".1f")))
    print(f"{name:10} gradient of step 1 / step 49: {ratios}   ρ of W_hh: {radii}")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
ratios = {name: norms[0] / norms[-1] for name, (norms, _) in little.items()}
print("untrained and at rate 0.001, step 1 gets less than a millionth:", max(*ratios["untrained"], *ratios["rate 0.001"]) < 1e-6)
print("at rate 0.01, more than a thousandth, for each seed:           ", min(ratios["rate 0.01"]) > 1e-3)

# %% [markdown]
# The last steps always get a gradient. If they may move $W_{hh}$ far enough, its spectral radius grows to about 1, and the factor with it: *then* the first step can teach. Vanishing describes the weights of the moment; a remedy may be a good start, or a large step.

# %% [markdown] slideshow={"slide_type": "notes"}
# A spectral radius near 1 is not the whole story, since slopes count as well; but it is what changed most.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## “John said ‘Hi’ to …”
#
# ![Four sentences as word boxes; the blank after "John said 'Hi' to" points back to "Mary", 13 words earlier, past "Daniel moved to the garden".](../figures/hallway.svg)
#
# Whom did John greet? The one who walked in too. Any number of other movements may lie between.

# %% [markdown] slideshow={"slide_type": "notes"}
# The lecture's example of a long-term dependency. It is usually asserted that RNNs fail on it; we measure.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A family of stories
#
# $k$ sentences between, each five words long, all about one other person. Who has not read the second sentence can exclude the guest and that person, and is right in one case of four ($k = 0$) or three:

# %%
NAMES = "John Mary Daniel Sandra Emma".split()
ROOMS = "hallway garden kitchen office".split()
WORDS = [*NAMES, *ROOMS, *"walked moved to the in too said Hi".split()]


def story(k, rng):
    """A story with k sentences between, a list of words; and the name that follows it."""
    guest, friend, other = rng.sample(NAMES, 3)
    words = f"{guest} walked to the {rng.choice(ROOMS)} {friend} walked in too".split()
    for _ in range(k):
        words += f"{other} moved to the {rng.choice(ROOMS)}".split()
    return words + f"{guest} said Hi to".split(), friend


" ".join(story(1, random.Random(0))[0])

# %% [markdown] slideshow={"slide_type": "notes"}
# If all the others moved about, the answer to a long story would be the one name not mentioned. Always ask what a model could do without the ability that one wants to measure.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Batches of stories
#
# The stories of a batch have equal length, so no padding is needed:

# %%
def stories(numbers, rng):
    """A function that draws B stories of one length, (B, T), and the answers (B,)."""

    def draw(B):
        k = rng.choice(numbers)
        texts, friends = zip(*(story(k, rng) for _ in range(B)))
        x = torch.tensor([[WORDS.index(word) for word in text] for text in texts])
        return x, torch.tensor([NAMES.index(friend) for friend in friends])

    return draw


x, y = stories([2], random.Random(0))(4)
tuple(x.shape), y.tolist()

# %% [markdown]
# Training takes 300 batches with 0 to 5 sentences between. The test goes up to 9, farther than any training story. The networks are those of the race without ReLU, three seeds each, clipped.

# %% [markdown] slideshow={"slide_type": "notes"}
# Notebook 5 shows what to do when lengths differ within a batch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Reading stories

# %%
BETWEEN = (0, 1, 2, 3, 5, 7, 9)


def read_stories(name, lr, steps=300):
    """{name: shares of right answers (len(BETWEEN), 3)} after training on stories."""
    (names, weights), cell = starters(name, len(WORDS), len(NAMES)), RACE[name][0]
    weights = [W.requires_grad_() for W in weights]
    draw, adam = stories(range(6), random.Random(0)), torch.optim.Adam(weights, lr, betas=(0.9, 0.99))
    fit(cell, weights, draw, adam, steps, limit=torch.ones(3 * len(names)))
    tests = [stories([k], random.Random(k))(200) for k in BETWEEN]
    shares = torch.stack([share_right(cell, weights, x, y) for x, y in tests])
    return dict(zip(names, shares.view(-1, len(names), 3).transpose(0, 1).numpy()))

# %% slideshow={"slide_type": "skip"}
by_distance = {}
for name, lr in {"tanh": 0.003, "tanh, orthogonal": 0.003, "LSTM": 0.01, "GRU": 0.01}.items():
    by_distance |= read_stories(name, lr)

# %% [markdown] slideshow={"slide_type": "notes"}
# starters, fit and share_right are those of the race; only the texts are new, and the learning rates, again chosen on other seeds.

# %% slideshow={"slide_type": "skip"}
def plot_hallway():
    """Draw the share of right names against the distance: mean and range of three seeds."""
    fig, ax = plt.subplots(figsize=(8.6, 3.2))
    distance = np.array([4 + 5 * k + 4 for k in BETWEEN])
    for i, (name, shares) in enumerate(by_distance.items()):
        color, style = ROLES[name]
        mean, low, high = (pick(shares, axis=1) for pick in (np.mean, np.min, np.max))
        where = distance + 0.5 * (i - 3)
        ax.errorbar(where, mean, (mean - low, high - mean), fmt="o", ls=style, color=color, lw=1.6, elinewidth=1, label=name)
    ax.plot(distance, [1 / 4] + [1 / 3] * (len(BETWEEN) - 1), color=COLOR["baseline"], lw=1)
    ax.axvline(36, color=COLOR["ink"], ls=":", lw=1.5)
    ax.set(xlabel="words from the friend's name to the blank", ylabel="share of right names", ylim=(0, 1.05))
    fig.legend(loc="outside right center")
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Measured, not asserted

# %% tags=["topic-D3", "output-only"]
show(plot_hallway(), "The memory of the plain RNN fades with distance, that of the GRU does not. Dotted line: the longest training story; bars: range of three seeds; grey: by exclusion alone.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
means = {name: shares.mean(axis=1) for name, shares in by_distance.items()}
for name in ("tanh", "tanh, orthogonal"):
    print(f"{name}: worse at the longest distance than at the shortest: {means[name][-1] < means[name][0]}")
print("GRU, bias 0: above 0.9 at every distance:", bool(means["GRU, bias 0"].min() > 0.9))

# %% [markdown] slideshow={"slide_type": "notes"}
# Here the ranking is another one than in the race: the LSTM with the open gate, which won there, is behind the one with bias 1. Training has short stories, too, from which a cell can learn what to keep; the start matters less. Which cell and which bias win depends on the task, so measure on yours.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 3 · A cell that normalises itself
#
# The **LayerNorm cell** (Ba, Kiros and Hinton 2016) brings the sums $a = x W_{xh} + h W_{hh}$ (H,) to mean 0 and standard deviation 1 over their H entries, multiplies by `gain` (H,), adds `bias` (H,), and applies tanh. To the variance it adds 1e-5 before the root. **Predict:** what changes if both matrices are doubled?
#
# <details><summary>Answer</summary>Next to nothing: mean and standard deviation double as well, and the factor cancels.</details>

# %% tags=["exercise-3-stub"]
def normalised_step(x, h, W_xh, W_hh, gain, bias):
    """The next state (H,) of the LayerNorm cell."""
    return ...

# %% tags=["exercise-3-check"] slideshow={"slide_type": "skip"}
def check_normalised_step(attempt):
    """Try an attempt on cells of different sizes, one of them with tiny sums."""

    def step(x, h, W_xh, W_hh, gain, bias, mean=np.mean, variance=np.var, epsilon=1e-5, end=np.tanh):
        a = x @ W_xh + h @ W_hh
        return end((a - mean(a)) / np.sqrt(variance(a) + epsilon) * gain + bias)

    def with_own(**own):
        return lambda *given: step(*given, **own)

    def sum_of_norms(x, h, W_xh, W_hh, gain, bias):
        parts = [(a - a.mean()) / np.sqrt(a.var() + 1e-5) for a in (x @ W_xh, h @ W_hh)]
        return np.tanh(sum(parts) * gain + bias)

    tiny = [np.array(value, dtype=float) for value in ([1], [0, 0], [[1, 3]], [[0, 0], [0, 0]], [1, 1], [0, 1])]
    rng, inputs = np.random.default_rng(0), [tiny]
    for E, H, size in ((3, 4, 1.0), (2, 5, 3.0), (4, 3, 0.005)):
        x, h, W_xh, W_hh = (rng.normal(size=shape) for shape in ((E,), (H,), (E, H), (H, H)))
        inputs.append((x, h, size * W_xh + size, size * W_hh, rng.normal(size=H) + 1, rng.normal(size=H)))
    return check(
        attempt,
        cases=[(given, step(*given)) for given in inputs],
        misconceptions={
            "the mean is not taken away": with_own(mean=lambda a: 0),
            "divide by the standard deviation, the root of the variance": (
                with_own(variance=lambda a: (a.var() + 1e-5) ** 2 - 1e-5)
            ),
            "1e-5 is missing: sums that are all alike would be divided by zero": with_own(epsilon=0),
            "1e-5 is added to the variance, before the root": with_own(
                variance=lambda a: (a.std() + 1e-5) ** 2 - 1e-5
            ),
            "the variance is the mean of the squares: divide by H, not by H − 1": with_own(variance=lambda a: a.var(ddof=1)),
            "tanh is missing": with_own(end=lambda a: a),
            "normalise what goes into tanh, not what comes out": (
                lambda x, h, W_xh, W_hh, gain, bias: (
                    (s := np.tanh(x @ W_xh + h @ W_hh)) - s.mean()
                ) / np.sqrt(s.var() + 1e-5) * gain + bias
            ),
            "one norm of the whole sum: the parts of input and state are not normalised apart": sum_of_norms,
            "the gain is missing": lambda *given: step(*given[:4], 1, given[5]),
            "the bias is missing": lambda *given: step(*given[:5], 0),
            "first the gain, then the bias: the bias is not multiplied": lambda *given: step(*given[:5], given[4] * given[5]),
            "nothing is normalised": lambda x, h, W_xh, W_hh, gain, bias: np.tanh((x @ W_xh + h @ W_hh) * gain + bias),
            "the gain belongs inside tanh": lambda *given: np.tanh(step(*given[:4], 1, given[5], end=lambda a: a)) * given[4],
            "gain and bias belong inside tanh": lambda *given: step(*given[:4], 1, 0) * given[4] + given[5],
            "two things: 1e-5 is added to the variance, before the root, and the variance divides by H, not by H − 1 as torch's std does": (
                with_own(variance=lambda a: (a.std(ddof=1) + 1e-5) ** 2 - 1e-5)
            ),
            "the standard deviation divides by H, not by H − 1, and 1e-5 is added to its square": (
                with_own(variance=lambda a: a.var(ddof=1), epsilon=0)
            ),
        },
    )


check_normalised_step(normalised_step)

# %% tags=["exercise-3-solution"] slideshow={"slide_type": "skip"}
def normalised_step_solution(x, h, W_xh, W_hh, gain, bias):
    """The next state (H,) of the LayerNorm cell."""
    a = x @ W_xh + h @ W_hh
    return np.tanh((a - a.mean()) / np.sqrt(a.var() + 1e-5) * gain + bias)


check_normalised_step(normalised_step_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# On the next slide the prediction is put to the test.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What normalising does to the factor
#
# $\lVert \partial h_{50} / \partial h_0 \rVert$ for weights of growing size, mean of the logarithms of ten seeds:

# %% tags=["topic-D4"] slideshow={"slide_type": "skip"}
def log_influence(size, layer_norm, T=50, H=16):
    """log₁₀ of ‖∂h_T/∂h_0‖ for random weights of a size; inputs are random, too."""
    W, x = size * torch.randn(H, H).double() / H**0.5, size * torch.randn(T, H).double()

    def last(h):
        for x_t in x:
            a = x_t + h @ W
            h = torch.tanh(nn.functional.layer_norm(a, (H,)) if layer_norm else a)
        return h

    jacobian = torch.autograd.functional.jacobian(last, torch.zeros(H).double())
    return torch.linalg.matrix_norm(jacobian, ord=2).log10().item()

# %%
print("size   plain   LayerNorm")
for size in (0.25, 1, 4, 16):
    means = [np.mean([log_influence(size, norm) for _ in range(10)]) for norm in (False, True)]
    print(f"{size:4} {means[0]:7.0f} {means[1]:11.0f}")

# %% [markdown]
# Plain cells vanish with small weights, and with large ones, which saturate. The normalised cell does not notice the size; its influence still fades.

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
x, h, W_xh, W_hh = (torch.randn(shape).double() for shape in ((3,), (5,), (3, 5), (5, 5)))
theirs = torch.tanh(nn.functional.layer_norm(x @ W_xh + h @ W_hh, (5,)))
ours = normalised_step_solution(*(a.numpy() for a in (x, h, W_xh, W_hh)), gain=1, bias=0)
print("the exercise's solution equals torch's layer_norm to 1e-12:", np.allclose(ours, theirs, rtol=0, atol=1e-12))

# %% [markdown] slideshow={"slide_type": "notes"}
# Doubling or halving all weights no longer matters. That does not make the factor one: it makes it the same for all sizes.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Truncated backpropagation
#
# ![Twelve steps in three windows: state zeroed at each border; state carried but gradient cut; and, after every single step, a backward pass four steps long.](../figures/truncation.svg)
#
# A long text cannot be unrolled at once. Every $k_1$ steps, go back $k_2$ steps.

# %% [markdown] slideshow={"slide_type": "notes"}
# Notebook 3 trained with row two: state carried, gradient cut, k₁ = k₂. Row three is the classic truncated form; Williams and Peng 1990 saved time by going back only every k₁ steps, as in 4 / 12 below. The names k₁, k₂ are Sutskever's (2013). Zeroing the state is what careless code does at the start of each batch.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Exercise 4 · Through which steps?
#
# A text has steps 1 … `T`. After every `k1`-th step the gradient goes back through `k2` steps, that one included, but never before step 1. Steps after the last multiple of `k1` get no pass. Return a list of pairs (first step, last step), one for each backward pass. **Predict:** for `T` = 6, `k1` = 2, `k2` = 4, through how many passes does step 3 go?
#
# <details><summary>Answer</summary>Two: the passes are (1, 2), (1, 4), (3, 6).</details>

# %% tags=["exercise-4-stub"]
def passes(T, k1, k2):
    """The first and last step of each backward pass, a list of pairs."""
    return ...

# %% tags=["exercise-4-check"] slideshow={"slide_type": "skip"}
def check_passes(attempt):
    """Try an attempt on equal and unequal k1 and k2."""

    def pairs(T, k1, k2):
        return [(max(1, t - k2 + 1), t) for t in range(k1, T + 1, k1)]

    return check(
        attempt,
        cases=[((T, k1, k2), pairs(T, k1, k2)) for T, k1, k2 in ((6, 2, 4), (12, 4, 4), (7, 1, 3), (9, 3, 5), (10, 4, 6), (11, 3, 5))],
        misconceptions={
            "k2 steps, the last one included: begin at t − k2 + 1": (
                lambda T, k1, k2: [(max(1, t - k2), t) for t in range(k1, T + 1, k1)]
            ),
            "a pass cannot begin before step 1": lambda T, k1, k2: [(t - k2 + 1, t) for t in range(k1, T + 1, k1)],
            "a pass cannot begin at step 0: the first step is 1": (
                lambda T, k1, k2: [(max(0, t - k2 + 1), t) for t in range(k1, T + 1, k1)]
            ),
            "these are Python's slice bounds; here steps count from 1, and the pair names the first step itself": (
                lambda T, k1, k2: [(max(0, t - k2), t) for t in range(k1, T + 1, k1)]
            ),
            "here steps count from 1, not from 0": (
                lambda T, k1, k2: [(max(0, t - k2), t - 1) for t in range(k1, T + 1, k1)]
            ),
            "k1 and k2 are exchanged: k1 says how often, k2 how far": lambda T, k1, k2: pairs(T, k2, k1),
            "a pass goes back k2 steps, not only to the last pass": (
                lambda T, k1, k2: [(t - k1 + 1, t) for t in range(k1, T + 1, k1)]
            ),
            "the last pass is missing: step T may end one": lambda T, k1, k2: pairs(T - 1, k1, k2),
            "steps after the last multiple of k1 get no pass": (
                lambda T, k1, k2: pairs(T, k1, k2) + [(max(1, T - k2 + 1), T)] * (T % k1 > 0)
            ),
            "a pass ends at every k1-th step; yours begins there": (
                lambda T, k1, k2: [(t, min(T, t + k2 - 1)) for t in range(1, T + 1, k1)]
            ),
            "the first pass comes after k1 steps, not after k2: a short way back is still a way back": (
                lambda T, k1, k2: [(max(1, t - k2 + 1), t) for t in range(k2, T + 1, k1)]
            ),
            "only full passes are left: a short way back at the beginning counts, too": (
                lambda T, k1, k2: [p for p in pairs(T, k1, k2) if p[1] - p[0] + 1 == k2]
            ),
            "the first pass ends at step k1, not at step 0 or 1": (
                lambda T, k1, k2: [(max(1, t - k2 + 1), t) for t in range(1, T + 1, k1)]
            ),
            "a pass comes after every k1-th step, not after each": lambda T, k1, k2: pairs(T, 1, k2),
            "first step first: the pairs are reversed": lambda T, k1, k2: [p[::-1] for p in pairs(T, k1, k2)],
            "without truncation every pass goes back to step 1; here it stops after k2": (
                lambda T, k1, k2: pairs(T, k1, T)
            ),
            "the last step is t itself: the pair names steps, not the bounds of a slice": (
                lambda T, k1, k2: [(max(1, t - k2 + 1), t + 1) for t in range(k1, T + 1, k1)]
            ),
        },
    )


check_passes(passes)

# %% tags=["exercise-4-solution"] slideshow={"slide_type": "skip"}
def passes_solution(T, k1, k2):
    """The first and last step of each backward pass, a list of pairs."""
    return [(max(1, t - k2 + 1), t) for t in range(k1, T + 1, k1)]


check_passes(passes_solution)

# %% [markdown] slideshow={"slide_type": "notes"}
# With k1 = k2 the passes tile the text, and each step is in exactly one. With k1 < k2 they overlap, and cost k2 / k1 times as much.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### A task that shows the reach
#
# Read random symbols and say, at each step, which symbol came $d$ steps ago. Twelve networks side by side, one for each delay $d$:

# %%
DELAYS, K, H, B = range(1, 13), 4, 32, 16


def delayed(N, generator):
    """Random symbols (B, N), and for each delay the symbols so many steps ago, (R, B, N)."""
    x = torch.randint(K, (B, N), generator=generator)
    return x, torch.stack([x.roll(d, dims=1) for d in DELAYS])


def scores_along(weights, x, state):
    """Scores (R, T, B, K) and states [T] of the networks on symbols x (B, T), from a state."""
    W_xh, W_hh, b_h, W_hy, b_y = weights
    states = []
    for x_t in x.T:
        state = tanh_cell(W_xh[:, x_t] + b_h, state, W_hh)
        states.append(state)
    return torch.stack([h for (h,) in states], dim=1) @ W_hy[:, None] + b_y[:, None], states

# %% [markdown] slideshow={"slide_type": "notes"}
# roll brings the last symbols to the front: the first d targets are nonsense, and cost nothing in a long text.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Training with $k_1$ and $k_2$
#
# Keep all states without their gradients; after every $k_1$ steps start again from the state $k_2$ steps ago, and learn from the last $k_1$ outputs.

# %%
def train_truncated(k1, k2, carry, N=2400, lr=0.005):
    """Weights of the networks, one for each delay, after one pass over N symbols."""
    torch.manual_seed(0)
    R, zero = len(DELAYS), (torch.zeros(len(DELAYS), B, H),)
    weights = [W.requires_grad_() for W in new_networks(tanh_cell, R, K, H, K, "orthogonal")]
    adam = torch.optim.Adam(weights, lr, betas=(0.9, 0.99))
    (x, y), kept = delayed(N, torch.Generator().manual_seed(0)), [zero]
    for t in range(k1, N + 1, k1):
        first = max(0, t - k2)
        scores, states = scores_along(weights, x[:, first:t], kept[first] if carry else zero)
        kept += [(h.detach(),) for (h,) in states[-k1:]]
        targets = y[..., t - k1 : t].transpose(1, 2)  # (R, k1, B)
        adam.zero_grad()
        (cross_entropy(scores[:, -k1:].flatten(0, 2), targets.flatten()) * R).backward()
        clip_each(weights, torch.ones(R))
        adam.step()
    return weights

# %% [markdown] slideshow={"slide_type": "notes"}
# One function for all three rows of the picture. detach is what makes kept states values without a past.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### Three schemes
#
# The test reads new text in windows of eight, and zeroes the state where training did:

# %%
def accuracy_by_delay(weights, window, carry, N=1600):
    """The share of right symbols (R,) on new text, read in windows."""
    (x, y), right = delayed(N, torch.Generator().manual_seed(1)), []
    state = zero = (torch.zeros(len(DELAYS), B, H),)
    with torch.no_grad():
        for t in range(0, N, window):
            scores, states = scores_along(weights, x[:, t : t + window], state)
            right.append(scores.argmax(dim=3) == y[..., t : t + window].transpose(1, 2))
            state = states[-1] if carry else zero
    return torch.cat(right, dim=1).float().mean(dim=(1, 2)).numpy()

# %%
SCHEMES = {"zeroed, 8 / 8": (8, 8, False), "cut, 8 / 8": (8, 8, True), "cut, 4 / 12": (4, 12, True)}
reach = {name: accuracy_by_delay(train_truncated(*scheme), 8, scheme[2]) for name, scheme in SCHEMES.items()}
{name: f"delay 8: {shares[7]:.2f}" for name, shares in reach.items()}

# %% [markdown] slideshow={"slide_type": "notes"}
# Ask before showing the picture: which delays can each scheme learn? Which can it use at the test?

# %% [markdown] slideshow={"slide_type": "skip"}
# The plot:

# %% slideshow={"slide_type": "skip"}
def plot_reach():
    """Draw the accuracies against the delay, with the best possible one for a zeroed state."""
    fig, ax = plt.subplots(figsize=(8.6, 3.1))
    for (name, shares), style, part in zip(reach.items(), ("o-", "s--", "^:"), ("rnn", "input", "output")):
        ax.plot(DELAYS, shares, style, color=COLOR[part], label=name)
    ax.plot(DELAYS, best_if_zeroed, "x", color=COLOR["floor"], label="best possible, zeroed")
    ax.axhline(1 / K, color=COLOR["baseline"], lw=1)
    ax.set(xlabel="delay, $d$", ylabel="accuracy", ylim=(0, 1.05), xticks=list(DELAYS))
    fig.legend(loc="outside right center", title="$k_1$ / $k_2$")
    return fig

# %% [markdown] slideshow={"slide_type": "slide"}
# ### What each can learn
#
# A zeroed state has lost the symbol in $d$ of 8 positions and must guess: at best $\frac{8 - d}{8} + \frac{d}{8} \cdot \frac{1}{4}$.

# %%
best_if_zeroed = np.array([max(8 - d, 0) / 8 + min(d, 8) / 8 / K for d in DELAYS])

# %% tags=["topic-D4", "output-only"]
show(plot_reach(), "Delays of k₂ and more are hardly learned, although the state is carried. A zeroed state reaches its best, and is worse.")

# %% tags=["nbval-check-output"] slideshow={"slide_type": "skip"}
zeroed, cut, overlapping = reach.values()
print("zeroed: within 0.03 of the best possible at every delay:", bool(np.abs(zeroed - best_if_zeroed).max() < 0.03))
print("cut after 8: all delays up to 6 above 0.9, all from 8 on below 0.5:", bool(min(cut[:6]) > 0.9 and max(cut[7:]) < 0.5))
print("going back 12 steps learns delay 8, too:", bool(overlapping[7] > 0.9))

# %% [markdown] slideshow={"slide_type": "notes"}
# Three different limits: the zeroed state forgets; the cut gradient does not teach what lies beyond its reach, although the state may hold a trace of it that the output layer finds (the points above chance). With k₁ below k₂ every output reaches back k₂ − k₁ steps, and only the last one k₂ − 1: hence the fall at delays 10 and 11. Overlap buys reach for computing time.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you now have
#
# - Backpropagation through time, from three numbers to matrices, each formula judged by autograd and by differences.
# - The culprit: a product of factors, slope times weight. The spectral radius tells its fate only while all slopes are near 1.
# - Remedies and what they do: clipping bounds explosions and cures nothing else; a good start carries the gradient; gates make the factor a number that can be set and learned.
# - Truncation: carry the state, cut the gradient, and know that dependencies beyond $k_2$ steps are hardly learned.
#
# **Next:** notebook 5 opens the cells with gates.

# %% [markdown] slideshow={"slide_type": "notes"}
# Keep three pictures: the chain with its factors, the film, and the reach of truncated training.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## References
#
# - S. Hochreiter: *Untersuchungen zu dynamischen neuronalen Netzen.* Thesis, TU München, 1991.
# - Y. Bengio, P. Simard, P. Frasconi: *Learning long-term dependencies with gradient descent is difficult.* IEEE TNN 5, 1994.
# - R. Pascanu, T. Mikolov, Y. Bengio: *On the difficulty of training recurrent neural networks.* ICML 2013.
# - Q. V. Le, N. Jaitly, G. E. Hinton: *A simple way to initialize recurrent networks of rectified linear units.* arXiv 1504.00941, 2015.

# %% [markdown] slideshow={"slide_type": "notes"}
# Pascanu and colleagues is the paper to read: short, with the cliff and with clipping by norm.

# %% [markdown] slideshow={"slide_type": "slide"}
# ### On cells and truncation
#
# - F. A. Gers, J. Schmidhuber, F. Cummins: *Learning to forget.* Neural Computation 12, 2000.
# - R. Jozefowicz, W. Zaremba, I. Sutskever: *An empirical exploration of recurrent network architectures.* ICML 2015.
# - J. L. Ba, J. R. Kiros, G. E. Hinton: *Layer normalization.* arXiv 1607.06450, 2016.
# - R. J. Williams, J. Peng: *An efficient gradient-based algorithm for on-line training of recurrent network trajectories.* Neural Computation 2, 1990.
# - I. Sutskever: *Training recurrent neural networks.* PhD thesis, University of Toronto, 2013.

# %% [markdown] slideshow={"slide_type": "notes"}
# Sutskever explains truncation in a page.
