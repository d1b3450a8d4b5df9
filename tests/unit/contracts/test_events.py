"""Every event is built alike."""

import pytest
from pydantic import ValidationError

from qingdan.event import EventBody
from qingdan.examples import EXAMPLES
from qingdan.records_events import FactsRecorded, RowReported
from qingdan.topics import EVENTS


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event_type())
class TestEveryEvent:
    def test_names_its_type_first_and_in_the_past_tense(self, event: type[EventBody]) -> None:
        assert next(iter(event.model_fields)) == "type"
        verb = event.event_type().split(".")[1].split("-")[-1]
        assert verb.endswith(("ed", "done", "paying", "made", "frozen", "effect", "paid", "withdrawn")), verb

    def test_says_what_happened_and_has_a_fixed_example(self, event: type[EventBody]) -> None:
        assert event.__doc__
        assert type(EXAMPLES[event.event_type()]) is event

    def test_has_a_key_and_an_order(self, event: type[EventBody]) -> None:
        example = EXAMPLES[event.event_type()]
        assert event.KEY in event.model_fields
        assert example.event_key
        assert example.event_key.startswith(example.order_key)

    def test_does_not_change_and_tolerates_later_fields(self, event: type[EventBody]) -> None:
        example = EXAMPLES[event.event_type()]
        with pytest.raises(ValidationError):
            setattr(example, event.KEY, None)
        later = example.model_dump(mode="json") | {"added_next_year": 1}
        assert event.model_validate(later) == example

    def test_needs_every_field_but_those_with_a_default(self, event: type[EventBody]) -> None:
        whole = EXAMPLES[event.event_type()].model_dump(mode="json")
        for name, field in event.model_fields.items():
            if field.is_required():
                with pytest.raises(ValidationError):
                    event.model_validate({key: value for key, value in whole.items() if key != name})


def test_all_datasets_of_a_subject_share_its_order_but_not_its_key() -> None:
    facts = EXAMPLES["facts.recorded.v1"]
    other = facts.model_copy(update={"dataset": "household_registration"})
    assert isinstance(facts, FactsRecorded)
    assert facts.order_key == other.order_key == facts.subject
    assert facts.event_key != other.event_key


def test_a_source_key_is_never_an_identity_number() -> None:
    row = EXAMPLES["row.reported.v1"].model_dump(mode="json")
    for key in ("11010519491231002X", "11010519491231002x"):
        with pytest.raises(ValidationError) as refusal:
            RowReported.model_validate(row | {"source_key": key})
        assert key not in str(refusal.value)
    assert RowReported.model_validate(row | {"source_key": "110105194912310021"}).event_key == "110105194912310021"
