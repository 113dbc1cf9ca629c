"""What pages read from their address, and what they write there."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from brainseg.app.address import SHOWN, named_run
from brainseg.results.markdown import escape
from brainseg.runs import RunStore


def the_page() -> None:
    import streamlit as st

    from brainseg.app.address import full_address, parameter, set_parameters

    st.text(f"[{parameter('run')}]")
    set_parameters(run="abc", tab=None, gone="")
    set_parameters(tag="a b&c")
    st.text(full_address())


@pytest.mark.parametrize("value", ["", "  x  ", "%00\x00", "<script>", "x" * 100_000])
def test_whatever_stands_in_the_address_is_read_and_replaced(value: str) -> None:
    app = AppTest.from_function(the_page, default_timeout=30)
    app.query_params["run"] = value
    app.query_params["tab"] = "1"
    app.run()
    assert not app.exception
    assert app.text[0].value == f"[{value.strip()[:2000]}]"
    assert app.text[1].value.endswith("?run=abc&tag=a+b%26c")


def test_a_run_is_named_by_its_id_its_start_or_its_name(home, config) -> None:
    store = RunStore()
    one, other, twin = (store.create(config(), name) for name in ("one", "twin", "twin"))
    runs = store.list()
    for wanted in (one.id, one.id[:8], one.id[:8].upper(), f" {one.id} ", "one"):
        assert named_run(wanted, runs) == (one, "")
    assert named_run(twin.id[:10], runs) == (twin, "")
    found, why = named_run("twin", runs)
    assert found is None
    assert why.startswith("2 ")
    assert any(run.id[:8] in why for run in runs if run.name == "twin"), "one of the ids, which is unique"
    for wanted in ("", "abc", one.id[:3], "*x*" * 100, f"{other.id}0"):
        found, why = named_run(wanted, runs)
        assert found is None
        assert escape(wanted[:SHOWN]) in why
        assert len(why) < 200
