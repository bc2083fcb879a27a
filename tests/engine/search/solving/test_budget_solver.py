import itertools

import numpy as np
import pytest

from workbench.engine.search.solving.budget_solver import BudgetSolver
from workbench.engine.search.solving.several_limits import GAP, solve_by_highs


def _tried_all(counts, minimize, limits):
    """The least that any combination of options within the limits gives; None where there is none."""
    choices, options = counts[minimize].shape
    best = None
    for picks in itertools.product(range(options), repeat=choices):
        totals = {name: sum(values[row, pick] for row, pick in enumerate(picks)) for name, values in counts.items()}
        if all(totals[name] <= limit for name, limit in limits.items()):
            best = totals[minimize] if best is None else min(best, totals[minimize])
    return best


def _network(seed, num_layers=200):
    """Layers of many sizes, of which fewer bits take fewer bytes and lose four times as much each."""
    rng = np.random.default_rng(seed)
    weights = np.exp(rng.uniform(np.log(500), np.log(500_000), num_layers))
    bits = np.array([2, 3, 4, 5, 6, 8, 10, 12, 16, 32, 3.3, 4.4])
    sizes = np.round(weights[:, None] * bits / 8 + rng.uniform(0, 50, (num_layers, len(bits))))
    losses = np.exp(rng.normal(0, 1.5, num_layers))[:, None] * 4.0**-bits * rng.uniform(0.8, 1.2, sizes.shape)
    return {"kl": losses, "bytes": sizes}


def test_takes_the_option_that_loses_least_within_the_limit():
    counts = {"kl": np.array([[0.0, 1.0], [0.0, 5.0]]), "bytes": np.array([[10.0, 4.0], [10.0, 4.0]])}

    found = BudgetSolver(counts).solve("kl", {"bytes": 14})

    assert found.picks.tolist() == [1, 0]
    assert found.totals == {"kl": 1.0, "bytes": 14.0}


def test_a_limit_below_the_least_is_out_of_reach():
    solver = BudgetSolver({"kl": np.array([[0.0, 1.0]]), "bytes": np.array([[10.0, 4.0]])})

    assert solver.least("bytes") == 4
    assert solver.solve("kl", {"bytes": 3}) is None


def test_without_limits_each_choice_loses_least():
    found = BudgetSolver({"kl": np.array([[3.0, 1.0], [0.5, 2.0]])}).solve("kl", {})

    assert found.picks.tolist() == [1, 0]


def test_bytes_are_least_within_an_allowed_loss():
    counts = {"kl": np.array([[0.0, 1.0], [0.0, 5.0]]), "bytes": np.array([[10.0, 4.0], [10.0, 1.0]])}

    assert BudgetSolver(counts).solve("bytes", {"kl": 5.5}).picks.tolist() == [0, 1]


def test_missing_options_are_never_taken():
    counts = {"kl": np.array([[1.0, np.inf], [0.0, 2.0]]), "bytes": np.array([[5.0, np.inf], [9.0, 1.0]])}

    assert BudgetSolver(counts).solve("kl", {"bytes": 6}).picks.tolist() == [0, 1]


@pytest.mark.parametrize("names", [("bytes",), ("bytes", "ms")], ids=["one limit", "two limits"])
def test_small_problems_agree_with_trying_all(names):
    rng = np.random.default_rng(3)
    for _ in range(60):
        shape = rng.integers(1, 6), rng.integers(1, 5)
        counts = {
            "kl": rng.random(shape).round(2),
            "bytes": rng.integers(0, 20, shape).astype(float),
            "ms": rng.integers(0, 20, shape).astype(float),
        }
        limits = {name: float(rng.integers(0, 12 * shape[0])) for name in names}

        found, expected = BudgetSolver(counts).solve("kl", limits), _tried_all(counts, "kl", limits)

        assert (found is None) == (expected is None)
        if found is not None:
            assert found.totals["kl"] == pytest.approx(expected, rel=1e-4)
            assert all(found.totals[name] <= limit for name, limit in limits.items())


@pytest.mark.parametrize("bits", [2.5, 3, 4, 6])
def test_many_layers_agree_with_highs(bits):
    counts = _network(seed=0, num_layers=60)
    limit = counts["bytes"][:, 9].sum() * bits / 32

    found = BudgetSolver(counts).solve("kl", {"bytes": limit})
    picks = solve_by_highs(counts["kl"], [counts["bytes"]], [limit])

    theirs = counts["kl"][np.arange(60), picks].sum()
    assert found.totals["bytes"] <= limit
    # HiGHS stops once it is known to be within 1e-4.
    assert theirs * (1 - 2e-4) <= found.totals["kl"] <= theirs * (1 + 1e-9)


def test_a_network_of_two_hundred_layers_is_within_its_bytes():
    counts = _network(seed=1)
    limit = counts["bytes"][:, 9].sum() * 4 / 32

    found = BudgetSolver(counts).solve("kl", {"bytes": limit})

    # Nothing worth a thousandth is left to gain by one layer alone.
    assert found.totals["bytes"] <= limit
    slack = limit - found.totals["bytes"]
    rows = np.arange(200)
    gained = counts["kl"][rows, found.picks][:, None] - counts["kl"]
    dearer = counts["bytes"] - counts["bytes"][rows, found.picks][:, None]
    assert gained[dearer <= slack].max() <= 0


@pytest.mark.parametrize("scale", [1.0, 1e7], ids=["small", "large"])
def test_limits_below_nothing_are_kept(scale):
    rng = np.random.default_rng(5)
    for _ in range(60):
        shape = rng.integers(1, 6), rng.integers(1, 5)
        counts = {
            "kl": rng.random(shape).round(2),
            "bytes": scale * rng.integers(-20, 5, shape),
            "ms": scale * rng.integers(-20, 5, shape),
        }
        limits = {name: scale * float(rng.integers(-12 * shape[0], 1)) for name in ("bytes", "ms")}

        found, expected = BudgetSolver(counts).solve("kl", limits), _tried_all(counts, "kl", limits)
        by_highs = solve_by_highs(counts["kl"], [counts["bytes"], counts["ms"]], [limits["bytes"], limits["ms"]])

        assert (found is None) == (expected is None) == (by_highs is None)
        if found is not None:
            assert found.totals["kl"] == pytest.approx(expected, rel=1e-4)
            for picks in (found.picks, by_highs):
                places = np.arange(len(picks)), picks
                assert all(counts[name][places].sum() <= limit for name, limit in limits.items())


def _times(counts, seed):
    """What the layers of a network take, less with fewer bits."""
    rng = np.random.default_rng([seed, 1])
    shape = counts["kl"].shape
    bits = counts["bytes"] / counts["bytes"].max()
    return np.exp(rng.normal(0, 1, shape[0]))[:, None] * (0.3 + bits) * np.exp(rng.normal(0, 0.3, shape))


@pytest.mark.parametrize(("seed", "layers"), [(0, 200), (1, 200), (2, 200), (3, 90), (4, 20), (5, 20)])
def test_of_two_limits_that_bind_at_once_no_solution_is_better_by_more_than_the_gap(seed, layers):
    counts = _network(seed, layers)
    counts["ms"] = _times(counts, seed)
    limits = {"bytes": 0.2 * counts["bytes"].max(axis=1).sum()}
    # Less than the best within the bytes takes.
    limits["ms"] = 0.9 * BudgetSolver(counts).solve("kl", limits).totals["ms"]

    found = BudgetSolver(counts).solve("kl", limits)
    picks = solve_by_highs(counts["kl"], [counts["bytes"], counts["ms"]], list(limits.values()))

    assert all(found.totals[name] <= limit for name, limit in limits.items())
    theirs = counts["kl"][np.arange(layers), picks].sum()
    allowed = GAP if layers > 60 else 2e-4
    assert theirs * (1 - 2e-4) <= found.totals["kl"] <= theirs * (1 + allowed)


def test_three_limits_are_kept_at_once():
    counts = _network(7, 100)
    counts["ms"], counts["joule"] = _times(counts, 7), _times(counts, 8)
    limits = {"bytes": 0.2 * counts["bytes"].max(axis=1).sum()}
    for name in ("ms", "joule"):
        limits[name] = 0.95 * BudgetSolver(counts).solve("kl", limits).totals[name]

    found = BudgetSolver(counts).solve("kl", limits)
    picks = solve_by_highs(counts["kl"], [counts[name] for name in limits], list(limits.values()))

    assert all(found.totals[name] <= limit for name, limit in limits.items())
    assert found.totals["kl"] <= counts["kl"][np.arange(100), picks].sum() * (1 + GAP)


def test_a_limit_of_infinity_is_none():
    counts = {"kl": np.array([[0.0, 1.0], [0.0, 5.0]]), "bytes": np.array([[10.0, 4.0], [10.0, 4.0]])}

    found = BudgetSolver(counts).solve("bytes", {"kl": np.inf})

    assert found.picks.tolist() == [1, 1]


def test_the_best_within_one_limit_is_exact_though_a_near_one_breaks_another():
    # Losses lie so close that a proof to a ten-thousandth of the optimum would not tell them apart.
    rng = np.random.default_rng(7)
    for _ in range(60):
        shape = (5, 4)
        counts = {
            "kl": 1 + 1e-5 * rng.random(shape),
            "bytes": rng.integers(0, 20, shape).astype(float),
            "ms": rng.integers(0, 20, shape).astype(float),
        }
        limits = {"bytes": 45.0, "ms": 45.0}
        expected = _tried_all(counts, "kl", limits)
        alone = [_tried_all(counts, "kl", {name: limit}) for name, limit in limits.items()]

        found = BudgetSolver(counts).solve("kl", limits)

        if expected in alone:
            assert found.totals["kl"] == pytest.approx(expected, rel=1e-12)
