"""Retries and lost workers, event by event."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from screen.core.protocols import Slots
from screen.pipeline.budget import Budget


def of(tasks: Iterable[object]) -> Budget:
    budget: Budget = Budget()
    for task in tasks:
        budget.add(task)
    return budget


def free(total: int) -> Slots:
    return Slots(total, {"cpu": total})


def test_no_more_tasks_run_than_there_are_slots() -> None:
    budget = of("abc")
    assert [budget.next(free(2)), budget.next(free(2)), budget.next(free(2))] == ["a", "b", None]
    budget.ended("a")
    assert budget.next(free(2)) == "c"


def test_a_task_in_progress_goes_before_a_new_one() -> None:
    budget = of("bc")
    budget.add_first("a")
    assert budget.next(free(1)) == "a"


def test_suspects_run_alone_after_everything_else() -> None:
    budget = of("abc")
    assert [budget.next(free(2)), budget.next(free(2))] == ["a", "b"]
    assert not budget.lost("a")
    assert not budget.lost("b")
    assert budget.next(free(2)) == "c"
    assert budget.next(free(2)) is None  # suspects wait until nothing else runs
    budget.ended("c")
    assert budget.next(free(2)) == "a"
    assert budget.next(free(2)) is None  # and run one at a time
    budget.ended("a")
    assert budget.next(free(2)) == "b"


def test_tasks_that_run_wait_or_are_suspected_are_counted_by_their_resource() -> None:
    budget = of("abc")
    budget.add("d", "model:x")
    assert budget.next(free(1)) == "a"
    budget.lost("a")
    assert budget.next(free(1)) == "b"
    assert budget.tasks == {"cpu": 3, "model:x": 1}


def test_who_loses_a_worker_alone_is_condemned() -> None:
    budget = of("a")
    assert budget.next(free(4)) == "a"
    assert not budget.lost("a")
    assert budget.next(free(4)) == "a"
    assert budget.lost("a")
    assert budget.condemned == ["a"]
    assert budget.idle


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.integers(1, 5), st.randoms())
def test_every_good_task_ends_once_and_every_poison_is_condemned(
    tasks: set[int], poison: set[int], slots: int, random
) -> None:
    """A loss takes all tasks that run then, as a scheduler does; the order is arbitrary."""
    budget, ended, running = of(sorted(tasks)), [], []
    while not budget.idle:
        while (task := budget.next(free(slots))) is not None:
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


BOTH = Slots(2, {"cpu": 2, "model:a": 1, "model:b": 1})


def test_one_potential_s_queue_does_not_keep_the_other_s_worker_idle() -> None:
    budget: Budget = Budget()
    for task in ("a1", "a2", "b1"):
        budget.add(task, f"model:{task[0]}")
    assert [budget.next(BOTH), budget.next(BOTH), budget.next(BOTH)] == ["a1", "b1", None]
    budget.ended("b1")
    assert budget.next(BOTH) is None  # a2 waits for the only worker that offers it
    budget.ended("a1")
    assert budget.next(BOTH) == "a2"


def test_what_has_begun_goes_before_the_potential_s_next_material() -> None:
    budget: Budget = Budget()
    budget.add("new", "model:a")
    budget.add("begun", "cpu")
    assert budget.next(Slots(1, {"cpu": 1, "model:a": 1})) == "begun"


def test_a_task_waits_until_some_worker_offers_what_it_needs() -> None:
    budget: Budget = Budget()
    budget.add("task", "model:a")
    assert budget.next(Slots(2, {"cpu": 2})) is None
    assert not budget.idle
    assert budget.next(BOTH) == "task"


def test_a_suspect_comes_back_with_the_resource_that_it_needs() -> None:
    budget: Budget = Budget()
    budget.add("task", "model:a")
    budget.next(BOTH)
    assert not budget.lost("task")
    assert budget.next(BOTH) == "task"
    assert budget.lost("task")
