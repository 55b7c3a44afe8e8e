"""When an attempt will be stopped, as it sees it."""

from __future__ import annotations

from livejob.runner.deadline import FixedDeadline, MovableDeadline


def test_a_deadline_is_what_it_was_made_with() -> None:
    """Both kinds say the same for as long as nobody moves anything."""
    kinds = (FixedDeadline(5_000), MovableDeadline(5_000))

    assert [5_000, 5_000] == [each.at_ms(now_ms=1_000) for each in kinds]


def test_what_is_left_stands_still() -> None:
    """While it stands, the deadline is as far away as it was, whatever the time; then it is fixed again."""
    deadline = MovableDeadline(5_000)

    deadline.stand(left_ms=400)
    standing = [deadline.at_ms(now_ms) - now_ms for now_ms in (4_600, 9_000)]
    deadline.stand(left_ms=0)
    empty = deadline.at_ms(9_000)
    deadline.move(9_400)

    assert [400, 400] == standing
    assert 9_000 == empty
    assert 9_400 == deadline.at_ms(9_100)
