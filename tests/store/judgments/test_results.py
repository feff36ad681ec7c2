"""Judgments are displayed, disagreements are listed, and both undo and remove work."""

import pytest

from chromalab import errors
from chromalab.engine import Attachment

EVIL = "<img src=x onerror=alert(1)>'; DROP TABLE attachments --"


def test_the_overview_counts_judgments_queries_and_people(points):
    assert repr(points.feedback) == "points: no judgments yet"
    points.feedback.add("x", ["a", "b"], [True, False], by="ada")
    points.feedback.add("y", "a", True, by="bob")
    shown = repr(points.feedback).split("\n")
    assert shown[0] == (
        "points: 3 judgments of 2 queries and 2 records; 2 relevant, 1 not; by ada 2, bob 1"
    )
    assert shown[2].startswith("y      1         0    bob")
    assert bool(points.feedback)
    for n in range(30):
        points.feedback.add(f"query {n}", "a", True)
    assert "20 of 32 shown" in repr(points.feedback)
    assert len(points.feedback.df()) == 33


def test_disagreements_list_their_authors(points):
    feedback = points.feedback
    feedback.add("x", "a", True, by="ada")
    feedback.add("x", "a", False, by="bob")
    feedback.add("x", "b", True, by="ada")
    feedback.add("x", "b", 0, by="ada")
    feedback.add("x", "c", True, by="ada")
    feedback.add("y", "c", False, by="ada")
    found = feedback.disagreements()
    assert [(d.id, [j.by for j in d.relevant], [j.by for j in d.other]) for d in found] == [
        ("a", ["ada"], ["bob"]),
        ("b", ["ada"], ["ada"]),
    ]
    assert repr(found).startswith("2 disagreements\nquery  record  relevant")
    assert len(found.df()) == 4


def test_text_of_users_is_escaped(points, judged):
    feedback = points.feedback
    feedback.add(EVIL, "a", True, note=EVIL, by=EVIL)
    feedback.add(EVIL, "a", False, note="\x1b[31m", by=f"{EVIL}\x1b[31m")
    assert judged(points) == [(EVIL, "a", 1.0), (EVIL, "a", -1.0)]
    for shown in (feedback, feedback.disagreements(), feedback.undo()):
        assert "<img" not in shown._repr_html_()
        assert "&lt;img" in shown._repr_html_()
        assert "\x1b" not in repr(shown)


def test_feedback_of_a_deleted_collection_can_be_displayed(client, points):
    feedback = points.feedback
    client.delete_collection("points")
    assert "was deleted" in repr(feedback)
    assert "was deleted" in feedback._repr_html_()
    with pytest.raises(errors.NotFoundError):
        feedback.add([1, 1], "a", True)


def test_undo_removes_one_call_at_a_time(points):
    points.feedback.add([1, 1], ["a", "b"], True)
    points.feedback.pairs("a", "b", similar=True)
    (taken,) = points.feedback.undo()
    assert taken.source == "pair"
    assert [j.id for j in points.feedback.undo()] == ["a", "b"]
    with pytest.raises(errors.NotFoundError, match="no judgments to undo"):
        points.feedback.undo()


def test_only_judgments_are_removed_by_number(points):
    points.engine.attach(points.id, add=[Attachment("live", {"transform": None}, "live")])
    numbers = points.feedback.add([1, 1], ["a", "b", "c"], True).numbers
    for wrong in ([numbers[0], 99], 1, [True], ["1"], [2**70]):
        with pytest.raises(errors.NotFoundError, match="Nothing was removed"):
            points.feedback.remove(wrong)
    assert len(points.feedback.remove([numbers[0], numbers[2], numbers[0]])) == 2
    assert [j.id for j in points.feedback] == ["b"]
    points.feedback.remove(numbers[1])
    assert len(points.engine.attachments(points.id, "live")) == 1


def test_numbers_of_a_data_frame_remove_judgments(points):
    points.feedback.add([0, 1], ["a", "b", "c"], True)
    numbers = points.feedback.df()["number"]
    points.feedback.remove(numbers.iloc[0])
    points.feedback.remove(numbers[1:2])
    assert [judgment.id for judgment in points.feedback] == ["c"]
    with pytest.raises(errors.NotFoundError, match="no judgment with the number None"):
        points.feedback.remove(None)


def test_a_fork_copies_the_judgments(points):
    points.feedback.add([1, 1], "a", True)
    trial = points.fork("trial")
    trial.feedback.add([1, 1], "b", True)
    assert (len(points.feedback), len(trial.feedback)) == (1, 2)
    assert [j.id for j in trial.feedback.undo()] == ["b"]
    assert [j.id for j in trial.feedback.undo()] == ["a"]
    assert len(points.feedback) == 1
