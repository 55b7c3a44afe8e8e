"""JSON with comments is read, and added to without touching the rest."""

import pytest

from livejob.cli import jsonc

COMMENTED = """\
{
  // Of the team. "configurations": [
  "version": "0.2.0",
  "inputs": [{"configurations": [1]}],
  "configurations": [ /* first */
    {"name": "x", "url": "http://a//b", "text": "/* no comment */",},
  ],
}
"""


def test_comments_and_trailing_commas_are_read_over() -> None:
    """Comments count for nothing, but not what looks like one within a text."""
    value = jsonc.read(COMMENTED)

    assert "http://a//b" == value["configurations"][0]["url"]
    assert "/* no comment */" == value["configurations"][0]["text"]


def test_an_element_comes_first_and_all_else_stays() -> None:
    """The new element is the array's first; every line that was there is there still."""
    after = jsonc.add_to_array(COMMENTED, "configurations", {"name": "new"})

    assert ["new", "x"] == [each["name"] for each in jsonc.read(after)["configurations"]]
    assert [1] == jsonc.read(after)["inputs"][0]["configurations"]
    assert "// Of the team." in after
    assert "/* first */" in after


@pytest.mark.parametrize("text", ["{}", '{"configurations": []}', '{"version": "1", }', "{ // nothing\n}"])
def test_a_missing_or_empty_array_is_filled(text: str) -> None:
    """The array is made where there is none."""
    after = jsonc.add_to_array(text, "configurations", {"name": "new"})

    assert [{"name": "new"}] == jsonc.read(after)["configurations"]


@pytest.mark.parametrize("text", ["", "[]", '{"configurations": {}}', '{"a": }'])
def test_what_cannot_be_added_to_is_an_error(text: str) -> None:
    """Another form, or no JSON at all, is refused."""
    with pytest.raises(ValueError, match=r"array|Expect"):
        jsonc.add_to_array(text, "configurations", {})
