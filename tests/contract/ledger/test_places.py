"""The register in the ledger: history of devices, contacts, outages, on every adapter."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from contract.ledgerkit import T0, after

from heating.errors import InputError
from heating.instants import to_ms
from heating.ledger import Ledger, open_ledger
from heating.ledger.port import ImportReport
from heating.site import Contact, MeasurementPoint, Outage, SubjectType

WHOLE = T0.replace(microsecond=123_000)


def point(point_id: str, device_id: str | None, **other: Any) -> MeasurementPoint:
    given: dict[str, Any] = {"station": "S1", "building": "3", "unit": "1", "room": "501", "floor": 5}
    return MeasurementPoint(point_id=point_id, device_id=device_id, **given | other)


def imported(ledger: Ledger, at: datetime, *points: MeasurementPoint, **contacts: Contact) -> ImportReport:
    return ledger.places.import_register(points, contacts, at)


def where(ledger: Ledger, device_id: str, *hours: float) -> list[str | None]:
    register = ledger.places.register()
    found = [register.point_at(device_id, to_ms(after(hours=hour))) for hour in hours]
    return [point.point_id if point else None for point in found]


def test_a_register_comes_back_as_it_was_imported(ledger: Ledger, ledger_url: str) -> None:
    given = [point("P2", None, area_m2=88.5, corner=True), point("P1", "D1", since=T0, height_m=1.5)]
    report = ledger.places.import_register(given, {}, T0, stamp="abc")
    assert report == ImportReport(added=2, changed=0, unchanged=0, moved_devices=0, retired=0)
    assert ledger.places.register().points == (given[1], given[0])
    assert ledger.places.stamp() == "abc"
    ledger.close()
    again = open_ledger(ledger_url)
    assert again.places.stamp() == "abc"
    assert again.places.register().by_id.keys() == {"P1", "P2"}
    again.close()


def test_the_first_device_of_a_point_sits_there_from_the_beginning_of_time(ledger: Ledger) -> None:
    imported(ledger, T0, point("P1", "D1"), point("P2", None), point("P3", "D3", since=after(hours=-2)))
    assert where(ledger, "D1", -9e5, 9e5) == ["P1", "P1"]
    assert where(ledger, "D3", -2.001, -2, 0) == [None, "P3", "P3"]
    imported(ledger, after(hours=1), point("P1", "D1"), point("P2", "D2"), point("P3", "D3"))
    assert where(ledger, "D2", -9e5, 0) == ["P2", "P2"]


def test_an_import_without_news_leaves_everything(ledger: Ledger) -> None:
    imported(ledger, T0, point("P1", "D1"), point("P2", "D2", since=T0))
    before, head = ledger.places.register().placements, ledger.chain.head()
    report = imported(ledger, after(hours=1), point("P1", "D1"), point("P2", "D2", since=T0))
    assert report == ImportReport(added=0, changed=0, unchanged=2, moved_devices=0, retired=0)
    assert ledger.places.register().placements == before
    assert ledger.chain.head() == head


def test_a_replaced_device_keeps_its_past(ledger: Ledger) -> None:
    imported(ledger, T0, point("P1", "D1"))
    report = imported(ledger, after(hours=1), point("P1", "D2"))
    assert (report.changed, report.moved_devices) == (1, 1)
    assert where(ledger, "D1", 0.999, 1) == ["P1", None]
    assert where(ledger, "D2", 0.999, 1) == [None, "P1"]
    assert ledger.places.register().knows("D1")


def test_two_devices_change_places_in_one_file(ledger: Ledger) -> None:
    imported(ledger, T0, point("P1", "D1"), point("P2", "D2"))
    report = imported(ledger, after(hours=1), point("P1", "D2"), point("P2", "D1", since=after(hours=0.5)))
    assert report.moved_devices == 2
    assert where(ledger, "D1", 0, 0.49, 0.5, 1) == ["P1", "P1", "P2", "P2"]
    assert where(ledger, "D2", 0, 0.49, 0.5, 1) == ["P2", "P2", None, "P1"]


def test_a_device_moved_to_a_new_point_keeps_its_past_at_the_old_one(ledger: Ledger) -> None:
    imported(ledger, T0, point("P1", "D1"))
    imported(ledger, after(hours=1), point("P1", "D2"), point("P2", "D1"))
    assert where(ledger, "D1", -9, 0.999, 1) == ["P1", "P1", "P2"]


def test_a_move_announced_for_later(ledger: Ledger) -> None:
    imported(ledger, T0, point("P1", "D1"))
    for at in (after(hours=1), after(hours=5)):
        imported(ledger, at, point("P1", "D2", since=after(hours=3)))
    assert where(ledger, "D1", 2.999, 3) == ["P1", None]
    assert where(ledger, "D2", 2.999, 3) == [None, "P1"]


def test_another_since_corrects_the_past(ledger: Ledger) -> None:
    imported(ledger, T0, point("P1", "D1"))
    imported(ledger, after(hours=9), point("P1", "D2"))
    imported(ledger, after(hours=10), point("P1", "D2", since=after(hours=4)))
    assert where(ledger, "D1", 3.999, 4) == ["P1", None]
    assert where(ledger, "D2", 3.999, 4) == [None, "P1"]


def test_points_are_retired_never_deleted(ledger: Ledger) -> None:
    imported(ledger, T0, point("P1", "D1"), point("P2", "D2"))
    report = imported(ledger, after(hours=1), point("P2", "D2"))
    assert (report.retired, report.unchanged) == (1, 1)
    register = ledger.places.register()
    assert [p.point_id for p in register.points] == ["P2"]
    assert [p.point_id for p in register.retired] == ["P1"]
    assert where(ledger, "D1", 0.999, 1) == ["P1", None]
    assert imported(ledger, after(hours=2), point("P2", "D2")).retired == 0
    back = imported(ledger, after(hours=3), point("P1", "D1"), point("P2", "D2"))
    assert (back.added, back.changed) == (0, 1)
    assert where(ledger, "D1", 0.999, 1, 2.999, 3) == ["P1", None, None, "P1"]


def test_a_device_taken_away(ledger: Ledger) -> None:
    imported(ledger, T0, point("P1", "D1"))
    imported(ledger, after(hours=1), point("P1", None))
    assert where(ledger, "D1", 0.999, 1) == ["P1", None]


@pytest.mark.parametrize("second", [point("P1", "D2"), point("P2", "D1")])
def test_a_file_that_says_two_things_is_refused(ledger: Ledger, second: MeasurementPoint) -> None:
    with pytest.raises(InputError, match="two rows"):
        imported(ledger, T0, point("P1", "D1"), second)
    assert ledger.places.register().points == ()


def test_the_audit_names_ids(ledger: Ledger) -> None:
    ledger.places.import_register([point("P1", "D1"), point("P2", "D2")], {}, T0, stamp="a")
    ledger.places.import_register([point("P1", "D9")], {}, after(hours=1), stamp="b")
    body = ledger.chain.entries(kind="audit")[1].body
    assert (body["stamp"], body["changed"], body["retired"]) == ("b", ["P1"], ["P2"])
    assert [place["device_id"] for place in body["ended"]] == ["D1", "D2"]


def test_contacts_are_corrected_and_erased(ledger: Ledger) -> None:
    filed, right = Contact("张三", "138", "1 号"), Contact("张三", "139", "1 号")
    rows = (point("P1", "D1"), point("P2", "D2"))
    imported(ledger, T0, *rows, P1=filed, P2=Contact())
    assert ledger.places.contacts() == {"P1": filed}
    assert ledger.places.contact("P2") == Contact() == ledger.places.contact("P9")
    ledger.places.set_contact("P1", right)
    imported(ledger, T0, *rows, P1=filed)
    assert ledger.places.contact("P1") == right  # the file says nothing new
    newer = Contact("王五", "137", "1 号")
    imported(ledger, T0, *rows, P1=newer)
    assert ledger.places.contact("P1") == newer
    imported(ledger, T0, *rows)
    assert ledger.places.contact("P1") == newer  # blank is unknown


def test_an_erased_contact_stays_erased_while_the_file_still_has_it(ledger: Ledger) -> None:
    filed = Contact("张三", "138", "1 号")
    imported(ledger, T0, point("P1", "D1"), P1=filed)
    ledger.places.set_contact("P1", Contact())
    imported(ledger, T0, point("P1", "D1", space="客厅"), P1=filed)
    assert ledger.places.contacts() == {}
    imported(ledger, T0, point("P1", "D1"))
    imported(ledger, T0, point("P1", "D1"), P1=Contact("李四"))
    assert ledger.places.contact("P1") == Contact("李四")


def test_outages(ledger: Ledger) -> None:
    def outage(outage_id: str, start: datetime, end: datetime | None = None) -> Outage:
        given = {"subject_type": SubjectType.STATION, "subject_id": "S1", "reason": "检修"}
        return Outage(outage_id=outage_id, start=start, end=end, **given)

    late, early = outage("O1", WHOLE), outage("O2", WHOLE.replace(hour=1), WHOLE)
    ledger.places.add_outage(late, T0)
    ledger.places.add_outage(early, T0)
    assert ledger.places.outages() == [early, late]
    ledger.places.end_outage("O1", WHOLE.replace(hour=9), T0)
    assert ledger.places.outages()[1].end == WHOLE.replace(hour=9)
    with pytest.raises(InputError, match="O7"):
        ledger.places.end_outage("O7", T0, T0)
    with pytest.raises(InputError, match="O1"):
        ledger.places.add_outage(late, T0)
    acts = [entry.body["act"] for entry in ledger.chain.entries(kind="audit")]
    assert acts == ["add_outage", "add_outage", "end_outage"]
