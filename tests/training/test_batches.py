"""Batches hold every pair once, neighbours together."""

from __future__ import annotations

from collections import Counter

import numpy as np
from tests.training.samples import many, pair
from training.batches import TOGETHER, batches, same_questions


def test_every_pair_is_given_once() -> None:
    pairs = many(130)
    given = [number for batch in batches(pairs, 10, 5) for number in batch]
    assert sorted(given) == list(range(130))


def test_what_fills_no_batch_is_left_over() -> None:
    made = list(batches(many(25), 10, 5))
    assert [len(batch) for batch in made] == [10, 10]
    assert len({number for batch in made for number in batch}) == 20


def test_a_batch_has_one_language_and_the_rests_share_one() -> None:
    pairs = [
        pair(f"count {number} coins", language=language, package=f"{language}-{number // 30}")
        for language, count in (("go", 64), ("java", 65), ("c", 31))
        for number in range(count)
    ]
    made = list(batches(pairs, 16, 5))
    languages = [{pairs[number].language for number in batch} for batch in made]
    assert sum(map(len, made)) == 160
    assert Counter(len(one) for one in languages) == {1: 9, 2: 1}


def test_pairs_of_a_package_stand_together() -> None:
    pairs = many(12 * TOGETHER, packages=6)
    for batch in batches(pairs, 2 * TOGETHER, 5):
        assert sorted(Counter(pairs[number].package for number in batch).values())[-1] >= TOGETHER


def test_another_seed_gives_other_batches() -> None:
    pairs = many(60)
    assert list(batches(pairs, 10, 5)) == list(batches(pairs, 10, 5))
    assert list(batches(pairs, 10, 5)) != list(batches(pairs, 10, 6))


def test_the_same_question_is_told_whatever_its_case() -> None:
    pairs = [pair("Count coins"), pair("count notes"), pair("count Coins")]
    np.testing.assert_array_equal(same_questions(pairs), [[1, 0, 1], [0, 1, 0], [1, 0, 1]])
