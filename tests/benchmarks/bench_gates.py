"""The gated cells of notebooks 05 beside the plain cell: training speed, and language models of equal size on prose."""

import statistics
from functools import partial

import torch
from torch import nn

from course_utils.taught.ngram_lm import replace_rare
from course_utils.taught.vanilla_rnn import parameter_count
from publish.taught import taught_in
from tests.benchmarks.bench_networks import SEEDS, spread
from tests.benchmarks.bench_ngram import seconds

KINDS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
# As in the notebook; the rates are those that it chose.
PROSE = {"E": 64, "budget": 482_000, "B": 32, "T": 8, "weight_decay": 0.05}
RATES = {"RNN": 0.02, "GRU": 0.02, "LSTM": 0.02}


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


def prose_table(taught, passes=(1, 2)):
    """Perplexity on the prose, the state reset for each sentence, of models with equal numbers of parameters."""
    text = taught.text_of(replace_rare(taught.load_prose(seed=0)._asdict(), min_count=2), **PROSE)
    counted = [taught.perplexity_from(taught.probs_by_counting(text, part)) for part in ("validation", "test")]
    print(f"\nProse, perplexity per token within sentences, seeds {SEEDS}: {PROSE}, rates {RATES}, mean ± sd")
    print(f"uniform {text['sizes']['V']}, modified Kneser–Ney, n = 5: {counted[0]:.1f} and {counted[1]:.1f}\n")
    print(f"{'':24}{'validation':>16}{'test':>16}{'parameters':>12}{'of the cell':>13}{'training':>12}")
    for epochs in passes:
        for kind, units in text["units"].items():
            trained = partial(taught.trained_lm, kind, text, lr=RATES[kind], epochs=epochs)
            models, taken = zip(*(seconds(partial(trained, seed=seed)) for seed in SEEDS))
            cells = [
                spread([taught.perplexity_from(taught.probs_within(model, text, part)) for model in models], ".1f")
                for part in ("validation", "test")
            ]
            sizes = f"{parameter_count(models[0]):12,}{parameter_count(models[0].rnn):13,}"
            name = f"{kind}, {units} units, {epochs} ×"
            print(f"{name:24}{cells[0]:>16}{cells[1]:>16}{sizes}{statistics.mean(taken):10.1f} s", flush=True)


def main():
    torch.set_num_threads(1)
    cells = taught_in("05_lstm_gru")
    cells.KINDS = KINDS
    speed_table(cells)
    prose_table(taught_in("05_gated_lm"))


if __name__ == "__main__":
    main()
