"""Named errors of the house.

::

    HeatwatchError
    ├── ConfigError          a key of heatwatch.toml is wrong (the message names key, value, what would be right)
    ├── InputError           a file or argument given by a person cannot be used
    │   ├── RegisterError    the register of measurement points has bad rows
    │   └── NotThere         store or ledger do not exist yet
    ├── RegulationError      a regulation profile is unknown or malformed
    ├── StoreUnavailable     the time-series store cannot answer now: try again
    ├── StoreMisconfigured   the store refuses us for a reason that only a person can mend: do not hammer
    ├── StoreOwned           the embedded store has an owner process already
    ├── LedgerUnavailable    the ledger cannot answer now: try again
    ├── OrderChanged         another writer changed the order first: read it again and decide anew
    ├── BrokenChain          the ledger's hash chain does not hold
    └── DeliveryFailed       a message could not be handed to a receiver; says whether for good

Rejected readings are values with a reason (`collector.intake`), never exceptions.
"""

from __future__ import annotations

from pathlib import Path


class HeatwatchError(Exception):
    """Root of every error that heatwatch raises on purpose; its text is one line for a person."""


class ConfigError(HeatwatchError):
    """Wrong configuration: the text names the key, the value and what would be right."""


class InputError(HeatwatchError):
    """A file or an argument that a person gave cannot be used."""


class RegisterError(InputError):
    """The register of measurement points has bad rows; `problems` lists them."""

    def __init__(self, message: str, problems: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class NotThere(InputError):
    """A store or ledger that was not to be created does not exist; `file` is where it would be, if it is a file."""

    def __init__(self, message: str, file: Path | None = None) -> None:
        super().__init__(message)
        self.file = file


class RegulationError(HeatwatchError):
    """A regulation profile is unknown or malformed."""


class StoreUnavailable(HeatwatchError):
    """The store cannot answer now; the same call may succeed later."""


class StoreMisconfigured(HeatwatchError):
    """The store refuses us until a person mends the configuration (wrong token, database, schema)."""


class StoreOwned(HeatwatchError):
    """The embedded store is held by another process; the text names it."""


class LedgerUnavailable(HeatwatchError):
    """The ledger cannot answer now; the same call may succeed later."""


class OrderChanged(HeatwatchError):
    """The order in the ledger is no longer the one that was read; read it again and decide anew."""


class BrokenChain(HeatwatchError):
    """The hash chain of the ledger does not hold; the text says at which entry."""


class DeliveryFailed(HeatwatchError):
    """A message was not delivered.

    Attributes
    ----------
    permanent
        True when trying again cannot help (for example a 404 from a webhook).
    """

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent
