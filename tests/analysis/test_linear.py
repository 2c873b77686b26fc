"""Least squares against other ways to the same numbers: refits, textbook formulas, limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis._linear import (
    fit_linear,
    independent_columns,
    left_out_coefficients,
    left_out_errors,
    leverages,
    unjudged,
)


def some(n: int, p: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    matrix = np.column_stack([np.ones(n), random.normal(10.0, 3.0, (n, p - 1))])
    return matrix, matrix @ random.normal(size=p) + random.normal(size=n)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.integers(20, 120), st.integers(1, 6), st.integers(1, 9), st.booleans(), st.integers(0, 1000))
def test_left_out_errors_are_those_of_fitting_again(n, p, size, weighted, seed):
    matrix, y = some(n, p, seed)
    weights = np.random.default_rng(seed + 1).uniform(0.5, 2.0, n) if weighted else None
    blocks = np.arange(n) // size
    wanted = np.empty(n)
    for block in range(blocks.max() + 1):
        mine = blocks == block
        root = np.ones(n) if weights is None else np.sqrt(weights)
        again = np.linalg.lstsq(matrix[~mine] * root[~mine, None], (y * root)[~mine], rcond=None)[0]
        wanted[mine] = y[mine] - matrix[mine] @ again
    assert left_out_errors(matrix, y, blocks, weights) == pytest.approx(wanted, abs=1e-6)


def test_the_rest_of_squares_of_the_other_rows_comes_with_the_coefficients():
    matrix, y = some(60, 3, 4)
    blocks = np.arange(60) // 10
    coefficients, sse = left_out_coefficients(matrix[None], y, blocks)
    for block in range(6):
        other = blocks != block
        error = y[other] - matrix[other] @ coefficients[0, block]
        assert sse[0, block] == pytest.approx(float(error @ error), rel=1e-6)


def test_a_level_that_one_block_alone_knows_is_not_judged():
    matrix, y = some(50, 2, 7)
    blocks = np.arange(50) // 10
    tet = np.zeros(50)
    tet[20:25] = 1.0
    whole = np.column_stack([matrix, tet])
    assert np.flatnonzero(unjudged(whole, blocks)).tolist() == list(range(20, 25))
    errors = left_out_errors(whole, y, blocks)
    assert np.isnan(errors[20:25]).all()
    assert np.isfinite(np.delete(errors, range(20, 25))).all()


def test_weights_count_like_repeated_rows():
    matrix, y = some(30, 3, 1)
    weights = np.where(np.arange(30) < 10, 2.0, 1.0)
    twice = np.concatenate([np.arange(30), np.arange(10)])
    once = fit_linear(matrix, y, weights=weights)
    assert once.coefficients == pytest.approx(fit_linear(matrix[twice], y[twice]).coefficients, rel=1e-9)


def test_searched_parameters_cost_degrees_of_freedom():
    matrix, y = some(40, 3, 2)
    plain, more = fit_linear(matrix, y), fit_linear(matrix, y, searched=2)
    assert more.statistics.p == 5
    assert more.statistics.rmse == pytest.approx(plain.statistics.rmse * np.sqrt(37 / 35))


def test_the_fast_way_for_long_tables_gives_the_digits_of_the_slow_one():
    matrix, y = some(30_000, 9, 3)
    assert matrix.size > 200_000
    fast = fit_linear(matrix, y)
    exact = np.linalg.lstsq(matrix, y, rcond=None)[0]
    assert fast.coefficients == pytest.approx(exact, rel=1e-10)
    inverse = np.linalg.inv(matrix.T @ matrix) * fast.statistics.rmse**2
    assert fast.covariance == pytest.approx(inverse, rel=1e-6, abs=1e-18)


def test_leverages_add_up_to_the_number_of_terms():
    matrix, _ = some(25, 4, 5)
    hat = leverages(matrix)
    assert hat.sum() == pytest.approx(4.0)
    far = np.vstack([matrix, [1.0, 1e6, 0.0, 0.0]])
    assert leverages(far)[-1] > 0.99


def test_dependent_columns_go_from_the_right():
    matrix, _ = some(20, 3, 6)
    whole = np.column_stack([matrix, matrix[:, 1] * 2.0, np.zeros(20), matrix[:, 1] + matrix[:, 2]])
    assert independent_columns(whole) == [0, 1, 2]
