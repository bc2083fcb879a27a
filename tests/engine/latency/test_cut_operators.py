"""Operators of models with channels gone, beside those of models that were really cut."""

import itertools
from pathlib import Path

import pytest

from tests.channel_networks import NETWORKS, Network
from workbench.bench import Bench
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.recipe import Prune, Recipe, escape_selector
from workbench.engine.graph.model import load_model
from workbench.engine.latency.cut_operators import CutOperators, GroupCut
from workbench.engine.latency.onnx_operators import ModelOperators, model_operators
from workbench.jobs import JobContext


class _Cuts:
    """Really cuts a model."""

    def __init__(self, path: Path) -> None:
        self.bench = Bench(Compressor(load_model(path)))
        groups = self.bench.compressor.pruning.channels.groups
        self.groups = {group.name: group for group in groups if group.most_gone}

    def operators(self, ratios: dict[str, float]) -> ModelOperators:
        recipe = Recipe()
        for name, ratio in ratios.items():
            prune = Prune(self.groups[name].kind, ratio=ratio, criterion="l2")
            recipe = recipe.with_rule([escape_selector(name)], prune=prune)
        ctx = JobContext()
        return model_operators(self.bench.model_of_shapes(self.bench.plan_of_shapes(recipe, ctx), ctx))

    def num_gone(self, name: str, ratio: float) -> int:
        return self.groups[name].num_units - sum(self.groups[name].units_kept(ratio))


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_what_one_cut_of_each_group_says_of_two_at_once_is_what_cutting_both_leaves(network: Network, tmp_path: Path):
    cuts = _Cuts(network.write(tmp_path / "m.onnx"))
    found = CutOperators(
        cuts.operators({}),
        {name: GroupCut(cuts.operators({name: 0.5}), cuts.num_gone(name, 0.5)) for name in cuts.groups},
    )

    for pair in itertools.combinations(cuts.groups, min(2, len(cuts.groups))):
        gone = {name: cuts.num_gone(name, 0.25) for name in pair}
        really = {one.name: one for one in cuts.operators(dict.fromkeys(pair, 0.25)).operators}
        for place in range(len(found)):
            said = found.at(place, gone)
            # What shuffles channels is another node where some are gone.
            if said.name not in really:
                continue
            assert said.outputs == really[said.name].outputs
            assert said.macs == pytest.approx(really[said.name].macs, rel=0.02)
            assert said.in_size == pytest.approx(really[said.name].in_size, rel=0.02)
