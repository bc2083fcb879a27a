"""A few values that were made last."""

from workbench.kept_last import KeptLast


def test_a_value_is_made_once():
    kept: KeptLast[str, str] = KeptLast(2)
    made = []

    def make() -> str:
        made.append("a")
        return "A"

    assert [kept.of("a", make), kept.of("a", make)] == ["A", "A"]
    assert made == ["a"]


def test_what_was_not_asked_for_the_longest_goes_first():
    kept: KeptLast[str, str] = KeptLast(2)
    made: list[str] = []

    def ask(key: str) -> None:
        kept.of(key, lambda: made.append(key) or key)  # type: ignore[func-returns-value] # notes that it was made

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)

    assert made == ["a", "b", "c", "b"]
