"""The writer of tiny Shakespeare: speed beside loops as other courses have them, and nats after a minute."""

import math
import sys
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from course_utils.data import CorpusError, fetch_corpus
from publish.taught import taught_in
from tests.benchmarks.bench_networks import SEEDS, spread

SECONDS = 2.5  # of each loop, in each round
ROUNDS = 3
MINUTE = 60.0


def prepared():
    """The companion's definitions, the text's parts set as in its first cells."""
    taught = taught_in("real_corpora/08_tiny_shakespeare")
    text = (fetch_corpus("tiny_shakespeare") / "input.txt").read_text("utf-8")
    letters = sorted(set(text))
    number = {letter: k for k, letter in enumerate(letters)}
    ids = torch.tensor([number[letter] for letter in text])
    cut, end = int(0.8 * len(ids)), int(0.9 * len(ids))
    taught.letters, taught.number, taught.V = letters, number, len(letters)
    taught.read, taught.held_out, taught.training, taught.validation = ids[:cut], ids[cut:end], ids[:end], ids[end:]
    return taught


def speed_of(step, windows, seconds=SECONDS):
    """Characters a second of a training step, called with inputs and targets (B, T) until the seconds are over."""
    step(*next(windows))  # the first call is slower
    characters, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        x, y = next(windows)
        step(x, y)
        characters += x.numel()
    return characters / (time.perf_counter() - begun)


# --- the loops, all with as many units as the companion's model


def companion(taught):
    """The companion's last rung."""
    model = taught.grouped_model(taught.read)
    optimizer = taught.adamw(model.parameters())

    def run(seconds):
        [(spent, characters, _)] = taught.train_for(
            seconds, model, taught.read, optimizer, taught.rising_and_falling, looks=0
        )
        return characters / spent

    run(0.2)
    return run(SECONDS)


def tutorial(taught, T=64):
    """torch.nn.LSTM called for one one-hot character after the other, one text, Adam."""
    V, H = taught.V, taught.H
    lstm, output_layer = nn.LSTM(V, H), nn.Linear(H, V)
    optimizer = torch.optim.Adam([*lstm.parameters(), *output_layer.parameters()], lr=0.002)

    def step(x, y):
        optimizer.zero_grad()
        loss, state = 0, None
        for t in range(x.shape[1]):
            output, state = lstm(one_hot(x[:, t], V).float()[None], state)
            loss = loss + cross_entropy(output_layer(output[0]), y[:, t])
        loss.backward()
        optimizer.step()

    return speed_of(step, taught.endless_batches(taught.read, B=1, T=T))


def from_scratch(taught, B=32, T=64):
    """One-hot inputs, gates written as separate products in a loop over time, clipping, SGD."""
    V, H = taught.V, taught.H

    def parameter(*shape):
        return nn.Parameter(0.01 * torch.randn(shape))

    gates = [(parameter(V, H), parameter(H, H), parameter(H)) for _ in range(4)]
    W_hq, b_q = parameter(H, V), parameter(V)
    weights = [W_hq, b_q, *(p for gate in gates for p in gate)]
    optimizer = torch.optim.SGD(weights, lr=1.0)

    def step(x, y):
        h, c, scores = torch.zeros(len(x), H), torch.zeros(len(x), H), []
        for x_t in one_hot(x.T, V).float():
            i, f, o, g = (x_t @ W_x + h @ W_h + b for W_x, W_h, b in gates)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            scores.append(h @ W_hq + b_q)
        optimizer.zero_grad()
        cross_entropy(torch.cat(scores), y.T.reshape(-1)).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()

    return speed_of(step, taught.endless_batches(taught.read, B, T))


class GatedCell(nn.Module):
    """A GRU step whose three gates are linear layers of input and state side by side."""

    def __init__(self, E, H):
        super().__init__()
        self.update, self.reset, self.candidate = (nn.Linear(E + H, H) for _ in range(3))

    def forward(self, x_t, h):
        both = torch.cat([x_t, h], dim=1)
        u, r = torch.sigmoid(self.update(both)), torch.sigmoid(self.reset(both))
        return (1 - u) * h + u * torch.tanh(self.candidate(torch.cat([x_t, r * h], dim=1)))


def cell_by_cell(taught, B=32, T=64):
    """An embedding, and a module's step in a loop over time; the output layers of all steps at once; AdamW."""
    model = nn.ModuleDict({
        "embedding": nn.Embedding(taught.V, taught.E),
        "cell": GatedCell(taught.E, taught.H),
        "output_layer": nn.Linear(taught.H, taught.V),
    })  # fmt: skip
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01, betas=(0.9, 0.99))

    def step(x, y):
        h, states = torch.zeros(len(x), taught.H), []
        for x_t in model["embedding"](x).unbind(dim=1):
            h = model["cell"](x_t, h)
            states.append(h)
        scores = model["output_layer"](torch.stack(states, dim=1))
        optimizer.zero_grad(set_to_none=True)
        cross_entropy(scores.flatten(0, 1), y.flatten()).backward()
        optimizer.step()

    return speed_of(step, taught.endless_batches(taught.read, B, T))


LOOPS = {
    "companion, last rung, 32 rows of 64": companion,
    "tutorial: nn.LSTM, one character at a time": tutorial,
    "d2l's way: gates from scratch, one-hot, 32 rows": from_scratch,
    "makemore's way: a cell in a loop (GRU), 32 rows": cell_by_cell,
}


def training_table(taught):
    """Characters a second in training of the companion's step and of the others, and the ratios in each round."""
    measured = [{name: loop(taught) for name, loop in LOOPS.items()} for _ in range(ROUNDS)]
    first = next(iter(LOOPS))
    print(f"Training with H = {taught.H}, one thread, {SECONDS} s a loop, {ROUNDS} rounds, mean ± sd\n")
    print(f"{'':50}{'characters/s':>18}{'companion is faster by':>26}")
    for name in LOOPS:
        speeds, ratios = zip(*((row[name], row[first] / row[name]) for row in measured))
        print(f"{name:50}{spread(speeds, ',.0f'):>18}{spread(ratios, '.1f'):>26}", flush=True)


# --- generation


@torch.no_grad()
def stepped(model, B, seconds=SECONDS):
    """Characters a second of B streams, each step reading one character."""
    x, state, characters, begun = torch.zeros(B, 1, dtype=torch.long), None, 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        scores, state = model(x, state)
        x = torch.multinomial(scores[:, -1].softmax(dim=1), 1)
        characters += B
    return characters / (time.perf_counter() - begun)


@torch.no_grad()
def read_again(model, length=300):
    """Characters a second of one stream of this length, if each step reads all that was written so far."""
    line, begun = torch.zeros(1, 1, dtype=torch.long), time.perf_counter()
    while line.shape[1] <= length:
        scores, _ = model(line)
        line = torch.cat([line, torch.multinomial(scores[:, -1].softmax(dim=1), 1)], dim=1)
    return length / (time.perf_counter() - begun)


def generation_table(taught):
    """Characters a second in generation."""
    model = taught.grouped_model(taught.read).eval()
    ways = {
        "one stream, a step a character": lambda: stepped(model, 1),
        "64 streams, a step a character each": lambda: stepped(model, 64),
        "one stream of 300, all read again at each step": lambda: read_again(model),
    }
    measured = [{name: way() for name, way in ways.items()} for _ in range(ROUNDS)]
    first = next(iter(ways))
    print("\nGeneration, the companion's model, one thread\n")
    print(f"{'':50}{'characters/s':>18}{'relative to the first':>26}")
    for name in ways:
        speeds, ratios = zip(*((row[name], row[name] / row[first]) for row in measured))
        print(f"{name:50}{spread(speeds, ',.0f'):>18}{spread(ratios, '.2f'):>26}", flush=True)


# --- the headline


def after_a_minute(taught, seed, seconds=MINUTE, threads=2):
    """(validation nats, characters read, seconds of training, seconds of validation) of the companion's last model."""
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    model = taught.grouped_model(taught.training)
    [(spent, characters, _)] = taught.train_for(
        seconds, model, taught.training, taught.adamw(model.parameters()), taught.rising_and_falling, looks=0
    )
    begun = time.perf_counter()
    loss = taught.nats(model.eval(), taught.validation)
    torch.set_num_threads(1)
    return loss, characters, spent, time.perf_counter() - begun


def headline(taught, seeds=SEEDS):
    """Validation nats after a minute on two threads, from several starts."""
    print("\nTrained on the first 90 %, the last 10 % read once a start; two threads; nanoGPT published 1.470 nats\n")
    results = []
    for seed in seeds:
        loss, characters, spent, reading = after_a_minute(taught, seed)
        results.append(loss)
        print(
            f"start {seed}: {loss:.3f} nats = {loss / math.log(2):.3f} bits per character, "
            f"{characters:,} characters in {spent:.1f} s, validation read in {reading:.1f} s",
            flush=True,
        )
    print(f"mean ± sd: {spread(results, '.3f')} nats")


def main():
    torch.set_num_threads(1)
    try:
        taught = prepared()
    except CorpusError as error:
        sys.exit(str(error))
    training_table(taught)
    generation_table(taught)
    headline(taught)


if __name__ == "__main__":
    main()
