"""Best classes, probabilities and divergences, by hand."""

import numpy as np
import pytest

from workbench.engine.evaluate.answers import answers_of, kl_divergence, same_answers, soft_drop, two_classes


def test_of_equal_scores_the_first_comes_first():
    answers = answers_of(np.array([[1, 3, 3, 0, 3, 2, 2]], np.float32))

    assert answers.best.tolist() == [[1, 2, 4, 5, 6]]
    assert answers.classes.tolist() == [1]


def test_probabilities_are_not_sent_through_a_softmax_again():
    answers = answers_of(np.array([[0.2, 0.8], [0.5, 0.5]], np.float32))

    assert np.exp(answers.log_probabilities) == pytest.approx(np.array([[0.2, 0.8], [0.5, 0.5]]))


def test_logits_are():
    answers = answers_of(np.log(np.array([[3.0, 1.0]], np.float32)))

    assert np.exp(answers.log_probabilities) == pytest.approx(np.array([[0.75, 0.25]]))


def test_divergence_is_that_of_two_coins():
    fair, biased = answers_of(np.array([[0.5, 0.5]])), answers_of(np.array([[0.9, 0.1]]))

    # ½ ln(0.5/0.9) + ½ ln(0.5/0.1) = 0.5108 nats.
    assert kl_divergence(fair, biased) == pytest.approx(np.array([0.5108]), abs=1e-4)
    assert kl_divergence(fair, fair) == pytest.approx(np.zeros(1))


@pytest.mark.parametrize(
    ("scores", "classes"),
    [
        (np.array([[[0, 1], [5, 2], [0, 9]]]), [[1, 0, 1]]),
        (np.array([[[[0, 7, 1]] * 3, [[3, 3, 3]] * 3]]), [[1, 0, 1] * 3]),
        (np.array([[[[0, 3], [7, 3], [1, 3]]] * 4]), [[1, 0, 1] * 4]),
    ],
    ids=["rows of anchors", "maps, classes first", "maps, classes last"],
)
def test_many_positions_each_have_their_class(scores: np.ndarray, classes: list[list[int]]):
    assert answers_of(scores).positions.tolist() == classes


def test_positions_agree_in_part():
    one = answers_of(np.array([[[0, 1], [5, 2], [0, 9], [4, 0]]]))
    other = answers_of(np.array([[[0, 1], [5, 2], [9, 0], [4, 0]]]))

    assert same_answers(one, other).tolist() == [0.75]


def test_images_have_no_divergence():
    assert answers_of(np.zeros((2, 3, 4, 4), np.float32)).log_probabilities is None


def test_a_single_probability_tells_two_classes():
    answers = answers_of(two_classes(np.array([[0.2], [0.5], [0.9]], np.float32), are_logits=False))

    assert answers.classes.tolist() == [0, 0, 1]
    assert np.exp(answers.log_probabilities[:, 1]) == pytest.approx([0.2, 0.5, 0.9])


def test_a_single_logit_tells_two_classes():
    answers = answers_of(two_classes(np.array([-3.0, 0.25, np.log(4)], np.float32), are_logits=True))

    assert answers.classes.tolist() == [0, 1, 1]
    # The sigmoid of ln 4 is 4/5.
    assert np.exp(answers.log_probabilities[2]) == pytest.approx([0.2, 0.8])


def test_an_answer_counts_by_the_probability_of_the_right_class_sharpened():
    before = answers_of(np.log(np.array([[0.8, 0.2], [0.4, 0.6]], np.float32)))
    after = answers_of(np.log(np.array([[0.5, 0.5], [0.4, 0.6]], np.float32)))

    lost = soft_drop(before, after, np.array([0, 1]))

    # Logits times two are squares of probabilities: 0.64 / 0.68 − 1 / 2.
    assert lost == pytest.approx([0.64 / 0.68 - 0.5, 0.0], abs=1e-6)


@pytest.mark.parametrize("classes", [None, np.array([0, 2]), np.array([-1, 0])])
def test_without_a_right_class_among_the_models_nothing_counts(classes):
    answers = answers_of(np.log(np.array([[0.7, 0.3], [0.4, 0.6]], np.float32)))

    assert soft_drop(answers, answers, classes) is None
