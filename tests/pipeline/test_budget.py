"""Retries and lost workers, event by event."""

from hypothesis import given
from hypothesis import strategies as st

from screen.pipeline.budget import Budget


def test_no_more_tasks_run_than_there_are_slots() -> None:
    budget = Budget("abc")
    assert [budget.next(2), budget.next(2), budget.next(2)] == ["a", "b", None]
    budget.ended("a")
    assert budget.next(2) == "c"


def test_a_task_in_progress_goes_before_a_new_one() -> None:
    budget = Budget("bc")
    budget.add_first("a")
    assert budget.next(1) == "a"


def test_suspects_run_alone_after_everything_else() -> None:
    budget = Budget("abc")
    assert [budget.next(2), budget.next(2)] == ["a", "b"]
    assert not budget.lost("a")
    assert not budget.lost("b")
    assert budget.next(2) == "c"
    assert budget.next(2) is None  # suspects wait until nothing else runs
    budget.ended("c")
    assert budget.next(2) == "a"
    assert budget.next(2) is None  # and run one at a time
    budget.ended("a")
    assert budget.next(2) == "b"


def test_who_loses_a_worker_alone_is_condemned() -> None:
    budget = Budget("a")
    assert budget.next(4) == "a"
    assert not budget.lost("a")
    assert budget.next(4) == "a"
    assert budget.lost("a")
    assert budget.condemned == ["a"]
    assert budget.idle


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.integers(1, 5), st.randoms())
def test_every_good_task_ends_once_and_every_poison_is_condemned(
    tasks: set[int], poison: set[int], slots: int, random
) -> None:
    """A loss takes all tasks that run then, as a scheduler does; the order is arbitrary."""
    budget, ended, running = Budget(sorted(tasks)), [], []
    while not budget.idle:
        while (task := budget.next(slots)) is not None:
            running.append(task)
        task = random.choice(running)
        hit = running if task in poison else [task]
        for victim in list(hit):
            running.remove(victim)
            if task in poison:
                budget.lost(victim)
            else:
                budget.ended(victim)
                ended.append(victim)
    assert sorted(ended) == sorted(tasks - poison)
    assert sorted(budget.condemned) == sorted(tasks & poison)
