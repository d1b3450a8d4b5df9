"""What a version of the programmes must pass before it stands, and before a dry run looks at anybody.

Refused: a rule that is empty, that does not fit the vocabulary, or that comes to the same whatever the facts are
(nobody by mistake looks like nobody by right), an amount of nothing or beyond its cap, an example that comes to
something else than it says, of this version or kept from an earlier one. Only warned of: a programme without an example
of somebody who gets it, because a county may know no such case yet; a dry run shows what it comes to for who is there.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final

from pydantic import BaseModel, Field

from qingdan.money import FEN_MAX
from runtime.problems import Invalid
from subsidy import example_rules, programme_rules
from subsidy.column_rules import Column
from subsidy.condition_rules import number, truth
from subsidy.programme_rules import AmountBeyondCap, Compiled, Computed, Example, Programme, ProgrammeFails

EXAMPLES_KEPT_MAX: Final = 10_000
"""Of all versions together: each is computed again whenever a version is published."""


class Finding(BaseModel):
    """Something about a proposed version that does not stop it."""

    pointer: str = Field(description="the place in the request, as RFC 6901 writes it")
    code: str
    message: str
    message_zh: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An example as an earlier version was published with it."""

    example: Example
    version: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A version that passed. kept: how many examples of earlier versions it held to."""

    compiled: list[Compiled]
    kept: int
    warnings: list[Finding]


def check(
    programmes: Sequence[Programme],
    examples: Sequence[Example],
    kept: Sequence[Kept],
    *,
    effective_on: date,
    before: date | None,
) -> Checked:
    """kept: the newest example of each name that earlier versions were published with; one that `examples` names anew
    does not count any more. before: when the version before took effect.

    Raises Invalid naming each place that is unfit, ProgrammesNotLater, ProgrammeFails.
    """
    compiled = programme_rules.take_effect(programmes, examples, effective_on, before)
    faults = [fault for at, each in enumerate(compiled) for fault in _whatever_the_facts(each, at)]
    faults += _double_names(examples)
    still = _still_kept(examples, kept, {each.code for each in programmes})
    if len(examples) + len(still) > EXAMPLES_KEPT_MAX:
        faults.append(_too_many(len(examples) + len(still)))
    if faults:
        raise Invalid(errors=faults[:100])
    _hold(compiled, examples, still)
    said = [*examples, *(each.example for each in still)]
    return Checked(compiled, len(still), list(_without_entitled(programmes, said)))


def name_of(example: Example) -> str:
    """Its own name, else one made of its facts: whoever says of the same facts again replaces what was said before."""
    if example.name is not None:
        return example.name
    said = json.dumps(example.model_dump(mode="json", include={"facts"}), sort_keys=True, ensure_ascii=False)
    return f"facts-{sha256(said.encode()).hexdigest()[:24]}"


def by_name(examples: Sequence[Example]) -> dict[tuple[str, str], Example]:
    """By programme and name; the same said twice is one."""
    return {(each.programme, name_of(each)): each for each in examples}


def _still_kept(examples: Sequence[Example], kept: Sequence[Kept], codes: set[str]) -> list[Kept]:
    replaced = by_name(examples)
    return [
        each
        for each in kept
        if each.example.programme in codes and (each.example.programme, name_of(each.example)) not in replaced
    ]


def _hold(compiled: Sequence[Compiled], examples: Sequence[Example], kept: Sequence[Kept]) -> None:
    by_code = {each.programme.code: each for each in compiled}
    given = example_rules.compute_examples(by_code, examples)
    again = example_rules.compute_examples(by_code, [each.example for each in kept])
    for example, came in zip([*examples, *(each.example for each in kept)], [*given, *again], strict=True):
        _require_payable(by_code[example.programme].programme, example, came)
    differing = programme_rules.disagreements(examples, given)
    places = {each.programme.code: at for at, each in enumerate(compiled)}
    for each, came in zip(kept, again, strict=True):
        if programme_rules.disagreements([each.example], [came]):
            differing.append(_broken(each, came, places[each.example.programme]))
    if differing:
        raise Invalid(errors=differing[:100])


def _require_payable(programme: Programme, example: Example, came: Computed) -> None:
    if came.amount_fen is None:
        return
    if not 0 <= came.amount_fen <= FEN_MAX:
        raise ProgrammeFails(programme=programme.code, reason="amount_out_of_range", example=name_of(example))
    if programme.cap_fen is not None and came.amount_fen > programme.cap_fen:
        raise AmountBeyondCap(
            programme=programme.code,
            reason="amount_beyond_cap",
            example=name_of(example),
            amount_fen=came.amount_fen,
            cap_fen=programme.cap_fen,
        )


def _whatever_the_facts(compiled: Compiled, at: int) -> Iterator[dict[str, object]]:
    """What a rule comes to while nothing is known of anybody, it comes to for everybody."""
    nothing_known = {fact.name: example_rules.column_of(fact, None) for fact in compiled.facts}
    eligible = truth(compiled.eligibility.root, nothing_known)
    if eligible.no.all():
        yield programme_rules.fault(
            f"/programmes/{at}/eligibility",
            "nobody",
            "This is false whatever the facts are, so nobody could ever get it: say who is eligible.",
            "无论数据如何，该条件均不成立，任何人都无法享受：请说明谁有资格。",
        )
    if eligible.yes.all():
        yield programme_rules.fault(
            f"/programmes/{at}/eligibility",
            "everybody",
            "This is true whatever the facts are: say who is eligible.",
            "无论数据如何，该条件均成立：请说明谁有资格。",
        )
    yield from _amount_of_everybody(compiled, at, nothing_known)


def _amount_of_everybody(compiled: Compiled, at: int, nothing_known: dict[str, Column]) -> Iterator[dict[str, object]]:
    amount = number(compiled.amount.root, nothing_known)
    if amount.known is not None and not amount.known.all():
        return
    place, cap_fen = f"/programmes/{at}/amount_fen", compiled.programme.cap_fen
    if amount.fault is not None and amount.fault.any():
        yield programme_rules.fault(place, "number_too_large", "This cannot be computed.", "该金额无法计算。")
        return
    amount_fen = int(amount.values.reshape(-1)[0])
    if amount_fen <= 0:
        yield programme_rules.fault(
            place,
            "nothing",
            f"This is {amount_fen} fen for everybody, and one fen is the least that can be paid.",
            f"对所有人均为 {amount_fen} 分，而可支付的最小金额为 1 分。",
        )
    if cap_fen is not None and amount_fen > cap_fen:
        yield programme_rules.fault(
            place,
            "amount_beyond_cap",
            f"This is {amount_fen} fen for everybody, and the cap is {cap_fen} fen.",
            f"对所有人均为 {amount_fen} 分，而封顶额为 {cap_fen} 分。",
        )


def named_now(programmes: Sequence[Programme], before: Sequence[Programme]) -> list[Finding]:
    """Programmes whose receivers a public notice named nobody of so far, and names from now on: whoever sends a version
    may not know that there is something to say about it."""
    nameless = {each.code: each.nameless for each in before if each.nameless is not None}
    return [
        Finding(
            pointer=f"/programmes/{at}/nameless",
            code="named_now",
            message=f"The version before named nobody in a notice ({nameless[each.code]}): this one names everybody.",
            message_zh=f"上一版本不公示姓名（{nameless[each.code]}），本版本将公示姓名。",
        )
        for at, each in enumerate(programmes)
        if each.nameless is None and each.code in nameless
    ]


def _double_names(examples: Sequence[Example]) -> Iterator[dict[str, object]]:
    """The same example twice is one; the same name for two is not."""
    known: dict[tuple[str, str], Example] = {}
    for at, example in enumerate(examples):
        if known.setdefault((example.programme, name_of(example)), example) != example:
            yield programme_rules.fault(
                f"/examples/{at}/name",
                "double",
                "Another example of this programme has the same name, or the same facts: give each its own.",
                "该项目的另一示例使用了相同的名称或相同的数据：请各不相同。",
            )


def _too_many(many: int) -> dict[str, object]:
    return programme_rules.fault(
        "/examples",
        "too_many",
        f"With those of earlier versions these are {many} examples; {EXAMPLES_KEPT_MAX} are the most.",
        f"连同以往版本共有 {many} 个示例，最多 {EXAMPLES_KEPT_MAX} 个。",
    )


def _broken(kept: Kept, came: Computed, at: int) -> dict[str, object]:
    example = kept.example
    expected = programme_rules.said(Computed(example.eligible, example.amount_fen))
    got, name = programme_rules.said(came), name_of(example)
    return programme_rules.fault(
        f"/programmes/{at}",
        "breaks_example",
        f"Since version {kept.version} the example {name} of {example.programme} says {expected}, and it comes to {got}"
        " here: correct the rule, or give the example anew under its name.",
        f"自版本 {kept.version} 起，{example.programme} 的示例 {name} 应得 {expected}，在此得出 {got}："
        "请更正规则，或以同名示例替换。",
    ) | {"example": name, "version": kept.version, "expected": expected, "got": got}


def _without_entitled(programmes: Sequence[Programme], examples: Sequence[Example]) -> Iterator[Finding]:
    shown = {example.programme for example in examples if example.eligible}
    for at, programme in enumerate(programmes):
        if programme.code not in shown:
            yield Finding(
                pointer=f"/programmes/{at}",
                code="no_entitled_example",
                message=f"{programme.code} has no example of somebody who gets it: add one, or look at a dry run.",
                message_zh=f"{programme.code} 没有可享受对象的示例：请补充示例，或先行模拟。",
            )
