"""The gated cells of notebook 05 beside the plain cell: training speed, and language models of equal size on prose."""

import statistics
from functools import partial

import torch
from torch import nn

from course_utils.taught.ngram_lm import replace_rare
from course_utils.taught.vanilla_rnn import parameter_count, stream, stream_perplexity
from publish.taught import taught_in
from tests.benchmarks.bench_networks import SEEDS, numbered, spread
from tests.benchmarks.bench_ngram import seconds

KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
# As in the notebook: units for equal numbers of parameters; the checks see the first tokens of the validation part.
E, UNITS = 64, {"RNN": 52, "GRU": 49, "LSTM": 48}
SETTINGS = {"B": 32, "T": 8, "epochs": 1, "lr": 0.015, "weight_decay": 0.05, "checks": 8}
CHECKED = 2001


def speeds(taught, units):
    """The training speed of each cell with so many units, relative to the plain cell with `units["RNN"]` of them."""
    taken = {kind: taught.seconds_of(cell(64, units[kind], batch_first=True)) for kind, cell in KINDS.items()}
    return {kind: taken["RNN"] / taken[kind] for kind in KINDS}


def speed_table(taught, rounds=5):
    """Training speed of the cells, with equal units and with equal parameters."""
    budget = parameter_count(nn.LSTM(64, 64))
    for name, units in (
        ("64 units each", dict.fromkeys(KINDS, 64)),
        (f"{budget:,} parameters each", {kind: taught.units_for(kind, budget) for kind in KINDS}),
    ):
        measured = [speeds(taught, units) for _ in range(rounds)]
        print(f"\nTraining speed relative to nn.RNN, {name}, one thread, {rounds} rounds, mean ± sd\n")
        for kind in KINDS:
            print(f"{kind:6}{units[kind]:5} units{spread([ratios[kind] for ratios in measured]):>18}", flush=True)


class Prose:
    """The prose corpus as streams, and what trains and scores the taught language models on it."""

    def __init__(self, taught):
        splits = replace_rare(taught.load_prose(seed=0)._asdict(), min_count=2)
        number = numbered(splits)
        self.taught, self.V = taught, len(number) - 1
        self.streams = {part: stream(corpus, number) for part, corpus in splits.items()}

    def trained(self, kind, units, seed, settings):
        """A trained language model and the seconds of its training, checks included."""
        torch.manual_seed(seed)
        model = self.taught.LM(KINDS[kind], self.V, E, units)
        self.taught.start_from_frequencies(model, self.streams["train"])
        validation = self.streams["validation"][:CHECKED]
        fit = partial(self.taught.fit_lm, model, self.streams["train"], validation, **settings)
        return model, seconds(fit)[1]

    def perplexity(self, model, part):
        return stream_perplexity(model, self.streams[part])


def prose_table(taught, settings=SETTINGS, units=UNITS):
    """Perplexity on the prose of language models with equal numbers of parameters."""
    prose = Prose(taught)
    print(f"\nProse, perplexity per token, starts {SEEDS}: E {E}, {settings}, mean ± sd")
    print(
        f"uniform {prose.V}, floor unknown; validation is the whole part, the checks see its first {CHECKED:,} tokens\n"
    )
    print(f"{'':16}{'validation':>16}{'test':>16}{'parameters':>12}{'training':>12}")
    for kind, H in units.items():
        models, taken = zip(*(prose.trained(kind, H, seed, settings) for seed in SEEDS))
        cells = "".join(
            f"{spread([prose.perplexity(model, part) for model in models], '.1f'):>16}"
            for part in ("validation", "test")
        )
        learned = parameter_count(models[0])
        print(f"{f'{kind}, {H} units':16}{cells}{learned:12,}{statistics.mean(taken):10.1f} s", flush=True)


def main():
    torch.set_num_threads(1)
    taught = taught_in("05_lstm_gru")
    taught.KINDS = KINDS
    speed_table(taught)
    prose_table(taught)


if __name__ == "__main__":
    main()
