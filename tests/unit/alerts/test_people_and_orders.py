"""What a person does with an order, and whose telephone number goes where."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from alertkit import MINUTE, REGISTER, START, World, act, cold

from alerts.acts import Call, open_by_hand, record_event
from alerts.settings import FileReceiver
from heating.errors import InputError
from heating.finding import Subject
from heating.order import OrderState, TriggerClass
from heating.order_sheet import show_order
from heating.site import SubjectType
from heating.words import Language


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_person_and_the_stage_write_to_one_order(world: World) -> None:
    world.record(cold("P3-101"))
    world.at(1)
    act(world, "issued", "张师傅 13812345678 去现场")
    world.record(cold("P3-201"))
    world.at(2)
    (order,) = world.orders
    assert order.state is OrderState.ISSUED
    assert len(order.homes) == 2
    assert "13812345678" not in "".join(e.text for e in order.history), "no telephone number in the chain"
    with pytest.raises(InputError, match="on_site is not possible now"):
        act(world, "on_site")
    with pytest.raises(InputError, match="not known"):
        record_event(world.ledger, "WO-1999-000001", "issued", "李", "", START)


def test_a_leak_is_on_site_in_half_an_hour(world: World) -> None:
    call = Call(
        subject=Subject(SubjectType.HOME, "S1/3/1/101"), points=("P3-101",), content="暖气片漏水",
        trigger=TriggerClass.EMERGENCY,
    )  # fmt: skip
    order = open_by_hand(world.ledger, call, REGISTER, "李", START, announcer=world.stage.announcer)
    assert order.due["on_site"] == START + timedelta(minutes=30)
    world.record(cold("P3-101"))
    world.at(1)
    assert len(world.orders) == 1, "the home has an order already"


def test_closing_while_homes_are_cold_is_on_record(world: World) -> None:
    world.record(cold("P3-101"))
    world.at(1)
    for kind in ("issued", "contacted", "on_site", "resolved", "followed_up", "closed"):
        act(world, kind)
    assert world.orders[0].history[-1].data["still_cold"] == ["F-P3-101"]


def test_the_sheet_has_the_contact_that_chain_and_messages_lack(world: World) -> None:
    world.record(cold("P3-101"), cold("P3-201"))
    world.at(1)
    sheet = show_order(world.orders[0], world.ledger.places, Language.ZH, START + 11 * MINUTE)
    assert (sheet.contact.phone, sheet.unit) == ("13812345678", "换热站 S1 楼栋 3 单元 1")
    assert sheet.overdue
    assert sheet.possible[0] == "issued"
    assert "13812345678" not in world.lines.read_text()
    chain = "".join(str(entry.body) for entry in world.ledger.chain.entries())
    assert "13812345678" not in chain
    assert world.ledger.chain.verify().broken_at is None


def test_contacts_go_only_to_a_receiver_that_may_have_them(tmp_path: Path) -> None:
    lines = str(tmp_path / "notices.jsonl")
    world = World(tmp_path, FileReceiver(name="file", path=lines, with_contact=True))
    world.record(cold("P3-101"))
    world.at(1)
    assert world.told[0]["contacts"]["P3-101"]["phone"] == "13812345678"
