"""Takes `site.points` over into the ledger when the file has changed (contract §3)."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from pathlib import Path

import msgspec

from heating.errors import ConfigError, InputError
from heating.ledger.port import ImportReport, Ledger
from heating.register import Register
from heating.register_file import RegisterFile, read_register
from heating.site import MeasurementPoint
from heating.unknown_devices import still_unknown
from heatwatch.config import Settings

log = logging.getLogger(__name__)


def read_site_register(settings: Settings, path: str | Path) -> RegisterFile:
    """Read a register file with the site's time zone and network-end fraction."""
    return read_register(Path(path), settings.site.zone, settings.analyzer.network_end_fraction, settings.site.language)


def read_configured_register(settings: Settings) -> RegisterFile:
    """Read the file of `site.points`.

    Raises
    ------
    ConfigError
        If there is none, or the file cannot be used; its bad rows are in the result.
    """
    if settings.site.points is None:
        raise ConfigError('site.points: missing; name the register of measurement points, e.g. points = "points.csv"')
    try:
        return read_site_register(settings, settings.site.points)
    except InputError as wrong:
        raise ConfigError(f"site.points: {wrong}") from None


def import_register(settings: Settings, ledger: Ledger, file: RegisterFile, now: datetime) -> ImportReport:
    """Import the good rows of a register file that was read; what a bad row is about stays as it is."""
    points = (*file.points, *_kept(ledger, file))
    report = ledger.places.import_register(
        points, file.contacts, now, stamp=file.stamp, site_file=_is_site_file(settings, file)
    )
    _forget_assigned(ledger)
    return report


def _forget_assigned(ledger: Ledger) -> None:
    """Drop from the list of unknown devices those that the register knows by now."""
    seen = ledger.journal.strangers()
    left = {one.device_id for one in still_unknown(seen, ledger.places.register())} if seen else set()
    if assigned := [one.device_id for one in seen if one.device_id not in left]:
        ledger.journal.forget_strangers(assigned)


def _kept(ledger: Ledger, file: RegisterFile) -> list[MeasurementPoint]:
    """Return the known points of the bad rows: a slip of the pen must not retire a point with its readings."""
    if not file.bad_ids:
        return []
    given = {point.device_id for point in file.points}
    known = [point for point in ledger.places.register().points if point.point_id in file.bad_ids]
    return [
        msgspec.structs.replace(point, device_id=None, since=None) if point.device_id in given else point
        for point in known
    ]


def _is_site_file(settings: Settings, file: RegisterFile) -> bool:
    own = settings.site.points
    return own is not None and Path(own).resolve() == file.path.resolve()


def sync_register(settings: Settings, ledger: Ledger, now: datetime) -> Register:
    """Return the register, importing `site.points` first if it is not as it was when it was imported last.

    A register that a person has imported from another file since then stays in force.

    Raises
    ------
    ConfigError
        If the site has no register file and none was ever imported.
    RegisterError
        If a row of the file is bad: nothing is imported then.
    """
    if settings.site.points is None and ledger.places.stamp():
        return ledger.places.register()
    file = read_configured_register(settings)
    if file.stamp != ledger.places.site_stamp():
        file.require_good()
        report = import_register(settings, ledger, file, now)
        log.info("register imported added=%s changed=%s retired=%s", report.added, report.changed, report.retired)
    return ledger.places.register()


class RegisterSource:
    """Gives the register of the ledger, read again only when another file was imported; threads may share it."""

    def __init__(self, ledger: Ledger) -> None:
        self._places = ledger.places
        self._lock = threading.Lock()
        self._stamp = ""
        self._register: Register | None = None

    def __call__(self) -> Register:
        """Return the register of now."""
        with self._lock:
            stamp = self._places.stamp()
            if self._register is None or stamp != self._stamp:
                self._register, self._stamp = self._places.register(), stamp
            return self._register
