"""Runs that this brainseg cannot read are on the Runs page, with the reason."""

from __future__ import annotations

from brainseg.runs import RunStore


def test_a_run_that_cannot_be_read_is_listed_with_the_reason(home, config, open_page) -> None:
    store = RunStore()
    store.create(config(), "mine", "FINISHED")
    assert len(open_page("runs").dataframe) == 1
    newer = store.create(config(), "from tomorrow", "FINISHED")
    store.set_tags(newer.id, {"brainseg.schema": "99"})
    app = open_page("runs")
    assert not app.exception
    listed, unreadable = (each.value for each in app.dataframe)
    assert list(listed["Name"]) == ["mine"]
    assert unreadable.to_dict("list")["Name"] == ["from tomorrow"]
    assert unreadable["Reason"][0].startswith("it was made by a newer brainseg (schema 99")
