"""The banner's words, case by case."""

import pytest

from workbench.gui.panels.budget_verdict import budget_verdict

_NONE = {"accuracy": None, "size": None, "latency": None}


@pytest.mark.parametrize(
    ("met", "facts", "headline", "detail"),
    [
        ({}, {"has_model": False}, "Nothing open", "open a model to begin"),
        ({}, {"has_data": False}, "No data yet", "open samples to measure accuracy"),
        ({}, {"has_budgets": False}, "No budgets set", "drag on a bar below to set one"),
        ({}, {}, "Measuring", "the budgets wait for figures of this recipe"),
        ({"size": True}, {}, "Budget met: size", "accuracy measured"),
        ({"size": True}, {"is_final": False}, "Budget met: size", "accuracy still being measured"),
        (
            {"size": True},
            {"is_final": False, "is_stopped": True},
            "Budget met: size",
            "accuracy stopped before all samples",
        ),
        ({}, {"is_stopped": True}, "Stopped", "measure again to hold the accuracy against its budget"),
        ({"size": True}, {"has_data": False}, "No data yet", "open samples to measure accuracy"),
        ({"size": True, "accuracy": False}, {}, "Over budget: accuracy", "keeps size"),
        (dict.fromkeys(_NONE, True), {}, "All three budgets met", "accuracy measured"),
        (dict.fromkeys((*_NONE, "device"), True), {}, "All four budgets met", "accuracy measured"),
        (
            dict.fromkeys(_NONE, True) | {"device": None},
            {},
            "Budget met: accuracy, size, latency",
            "accuracy measured",
        ),
    ],
    ids=[
        "no model",
        "no samples",
        "no budgets",
        "nothing known",
        "one met",
        "one met on a few samples",
        "one met and stopped",
        "stopped",
        "one met without samples",
        "one missed",
        "all met",
        "all met, and on a device",
        "all met but one that is not known",
    ],
)
def test_the_banner_says_what_is_met_and_what_is_missing(met, facts, headline, detail):
    known = {"has_model": True, "has_data": True, "has_budgets": True, "is_final": True}

    verdict = budget_verdict(_NONE | met, **(known | facts))

    assert (verdict.headline, verdict.detail) == (headline, detail)
