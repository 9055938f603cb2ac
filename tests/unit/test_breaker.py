"""The breaker, with its clock in the hand."""

import pytest

from bot.edge.breaker import Breaker


@pytest.fixture
def time_():
    return [0.0]


@pytest.fixture
def breaker(time_):
    return Breaker(failures=3, pause_seconds=5, clock=lambda: time_[0])


def fail(breaker, times):
    for _ in range(times):
        assert breaker.allows()
        breaker.failed()


def test_two_failures_are_borne_and_a_success_clears_them(breaker):
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.allows() and not breaker.is_open


def test_the_third_in_a_row_opens_and_one_probe_goes_through_after_each_pause(breaker, time_):
    fail(breaker, 3)
    assert breaker.is_open and not breaker.allows()
    time_[0] = 4.9
    assert not breaker.allows()
    time_[0] = 5.0
    assert breaker.allows() and not breaker.allows()
    breaker.failed()
    time_[0] = 9.9
    assert not breaker.allows()
    time_[0] = 10.0
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True] * 3


def test_a_probe_that_never_comes_back_does_not_block_the_next(breaker, time_):
    fail(breaker, 3)
    time_[0] = 5.0
    assert breaker.allows()
    time_[0] = 10.0
    assert breaker.allows()
