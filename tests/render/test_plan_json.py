"""The object for programs, held against the schema that is shipped."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netstart_wg.model.difference import Difference, Effect, Reason
from netstart_wg.model.report import InterfaceReport, Mode, Outcome, RunReport
from netstart_wg.model.source import Span
from netstart_wg.render.plan_json import SCHEMA, render_plan_json

texts = st.text(max_size=5)
spans = st.builds(Span, st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
differences = st.builds(
    Difference,
    interface=st.just("wg0"),
    subject=st.lists(texts.filter(bool), min_size=1, max_size=3).map(tuple),
    before=st.none() | texts,
    after=st.none() | texts,
    peer=st.none() | texts,
    effect=st.sampled_from(Effect),
    lost=st.lists(texts, max_size=2).map(tuple),
    reason=st.sampled_from(Reason),
    place=st.none() | st.tuples(texts, spans),
)
interfaces = st.builds(
    InterfaceReport,
    name=st.sampled_from(("wg0", "wg1", "office12")),
    file=texts,
    outcome=st.sampled_from(Outcome),
    differences=st.lists(differences, max_size=2).map(tuple),
)
reports = st.builds(
    RunReport,
    mode=st.sampled_from(Mode),
    exit_status=st.integers(0, 127),
    interfaces=st.lists(interfaces, max_size=2).map(tuple),
    messages=st.lists(texts, max_size=2).map(tuple),
)


def shipped_schema() -> Any:
    return json.loads((files("netstart_wg.render") / "plan.schema.json").read_text())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(shipped_schema())
    assert shipped_schema()["properties"]["schema"] == {"const": SCHEMA}


@given(reports)
@settings(max_examples=50)
def test_every_report_is_as_the_schema_says(report: RunReport) -> None:
    jsonschema.validate(json.loads(render_plan_json(report)), shipped_schema())


def test_the_schema_knows_every_word_that_there_can_be() -> None:
    schema = shipped_schema()
    definitions = schema["$defs"]
    difference = definitions["difference"]["properties"]
    assert schema["properties"]["mode"]["enum"] == [each.value for each in Mode]
    assert difference["effect"]["enum"] == [each.value for each in Effect]
    assert difference["reason"]["enum"] == [each.value for each in Reason]
    outcomes = definitions["interface"]["properties"]["outcome"]["enum"]
    assert outcomes == [each.value for each in Outcome]


def test_the_schema_refuses_what_is_no_such_object() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": SCHEMA}, shipped_schema())
