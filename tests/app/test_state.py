"""`brainseg.app.state` owns the keys of the session: no other module of the pages writes one out."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from brainseg.app import state

APP = Path(state.__file__).parent
MODULES = sorted(file for file in APP.rglob("*.py") if file.name != "state.py")

METHODS = ("get", "pop", "setdefault", "update")


def written_out(source: str) -> list[str]:
    """Return the keys of `st.session_state` that a module writes out as text."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "st.session_state":
            found.append(node.slice)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("st.session_state."):
            found += node.args[:1]
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "st.session_state":
            found.append(node.left)
        elif isinstance(node, ast.Attribute) and node.attr not in METHODS:
            found += [node] if ast.unparse(node.value) == "st.session_state" else []
    return [
        ast.unparse(key)
        for key in found
        if isinstance(key, ast.Constant | ast.JoinedStr | ast.BinOp | ast.Attribute)
        and not ast.unparse(key).startswith("state.")
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda file: file.relative_to(APP).as_posix())
def test_no_module_writes_out_a_key_of_the_session(module):
    assert written_out(module.read_text("utf-8")) == []


def test_no_two_values_have_one_key():
    keys = [value for name, value in vars(state).items() if name.isupper() and isinstance(value, str)]
    assert len(keys) > 30
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "source",
    [
        "st.session_state['sample'] = 1",
        "st.session_state.get('sample')",
        "st.session_state.pop(f'{key}-cam', None)",
        "if 'sample' in st.session_state: pass",
        "st.session_state.sample = 1",
        "st.session_state[key + ':touched']",
    ],
)
def test_planted_keys_are_found(source):
    assert written_out(source)


def test_keys_of_the_module_and_of_a_caller_are_allowed():
    assert written_out("st.session_state[state.SAMPLE] = st.session_state.get(key)") == []
