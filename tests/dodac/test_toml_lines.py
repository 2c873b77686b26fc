"""Lines of keys: a message that names the wrong line sends the user to the wrong meter."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dodac._toml_files import parse_toml
from dodac._toml_lines import key_lines, line_of
from dodac.errors import ConfigError

TEXT = '''\
a = 1 # x = 2
"b c".d = [
  { id = "x", q = [1, 2] },
  # { id = 3 }
  { id = """m
n""", "z" = 'u' }
]
[[t]]
k = """
[no]
x = 1
"""
[t.sub]
x = 2
[[t.arr]]
[[t]]
[t.sub]
y.z = { a = { b = 1 } }
[ q . "r" ]
v = 2024-01-01 00:00:00
w = ["]",
 [2]]
'''


def test_every_way_of_writing_a_key_has_its_own_line():
    tomllib.loads(TEXT)
    lines = key_lines(TEXT)
    assert lines["a",] == 1
    assert lines["b c", "d", 0, "q"] == 3
    assert lines["b c", "d", 1, "id"] == 5
    assert lines["b c", "d", 1, "z"] == 6
    assert lines["t", 0, "k"] == 9
    assert lines["t", 0, "sub", "x"] == 14
    assert lines["t", 0, "arr", 0] == 15
    assert lines["t", 1, "sub", "y", "z", "a", "b"] == 18
    assert lines["q", "r", "v"] == 20
    assert lines["q", "r", "w", 1] == 22
    assert not any("no" in path for path in lines)


def test_a_key_without_a_line_has_that_of_what_it_stands_in():
    lines = key_lines(TEXT)
    assert line_of(lines, ("t", 1, "sub", "nothing")) == 17
    assert line_of(lines, ("t", 1, "nothing")) == 16
    assert line_of(lines, ("nothing",)) is None


leaves = st.sampled_from(
    ["1", '"a # b"', "'[x]'", "1979-05-27T07:32:00Z", "true", '"""q\n[h]\n"""', "-3.5e2"]
)
names = st.sampled_from(["a", "b", "c-d", "e"])


def values(inner):
    pair = st.tuples(names, inner).map(lambda p: f"{p[0]} = {p[1]}")
    return st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ",  # x\n".join(items) + "\n]"),
        pair.map(lambda p: "{ " + p + " }"),
    )


@given(st.lists(st.tuples(names, names, st.recursive(leaves, values, max_leaves=6)), max_size=5))
def test_every_path_of_any_document_has_a_line_on_which_its_name_stands(tables):
    text = "".join(f"[[{head}]]\n{name} = {value}\n" for head, name, value in tables)
    lines = key_lines(text)
    written = text.split("\n")

    def walk(value, path):
        if path:
            assert path in lines, (path, text)
            name = next(word for word in reversed(path) if isinstance(word, str))
            if isinstance(path[-1], str) and not isinstance(value, list):
                assert name in written[lines[path] - 1]
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, inner in items:
            if isinstance(value, dict) and isinstance(inner, list) and not path:
                for place, table in enumerate(inner):
                    walk(table, (key, place))
            else:
                walk(inner, (*path, key))

    walk(tomllib.loads(text), ())


@given(st.text(alphabet='[]{}"\\\n=.,# ab1', max_size=40))
def test_text_that_is_no_toml_ends_the_search(text):
    assert all(line >= 1 for line in key_lines(text).values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[connections.bus1]\na = 1\n\n[connections . "bus1"]\n',
            "[connections.bus1] stands twice (before: line 1)",
        ),
        ("[site]\n[site]\n", "[site] stands twice (before: line 1)"),
        ("connections.bus1.a = 1\n[connections.bus1]\n", "[connections.bus1] stands twice."),
    ],
)
def test_a_table_that_was_pasted_twice_is_told_with_both_lines(text, words):
    with pytest.raises(ConfigError) as told:
        parse_toml(text, Path("site.toml"))
    assert words in str(told.value)
    assert "Keep one of them" in str(told.value)
    assert told.value.where.line == text.rstrip().count("\n") + 1
