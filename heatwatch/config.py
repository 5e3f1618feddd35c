"""The configuration: one strict `Settings`, composed of the settings that each wing declares for itself.

Order: file, then environment (`HEATWATCH__SECTION__KEY`), then flags. A wrong key or value ends in one line that names
the key, the value and what would be right.
"""

from __future__ import annotations

import copy
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from alerts.settings import AlertsSettings
from analyzer.settings import AnalyzerSettings
from collector.settings import CollectorSettings, MqttSettings
from dashboards.settings import ConsoleSettings, GrafanaSettings
from heating.errors import ConfigError
from heating.settings import (
    ENVIRONMENT_PREFIX,
    LedgerSettings,
    RegulationSettings,
    SiteSettings,
    StoreSettings,
)
from heatwatch.config_files import anchor_files, mask
from heatwatch.config_schema import Path as KeyPath
from heatwatch.config_schema import Schema, parse, readable, right

DEFAULT_FILE = Path("heatwatch.toml")


class MetricsSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[metrics]`: numbers for Prometheus on a port of their own; the console serves them too."""

    host: Annotated[str, Meta(description="Address to listen on.", min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(description="TCP port of /metrics and /healthz; 0 = off.", ge=0, le=65535)] = 0


class Settings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Everything that heatwatch.toml can say; a field is a section."""

    site: SiteSettings = msgspec.field(default_factory=SiteSettings)
    mqtt: MqttSettings = msgspec.field(default_factory=MqttSettings)
    collector: CollectorSettings = msgspec.field(default_factory=CollectorSettings)
    store: StoreSettings = msgspec.field(default_factory=StoreSettings)
    ledger: LedgerSettings = msgspec.field(default_factory=LedgerSettings)
    regulation: RegulationSettings = msgspec.field(default_factory=RegulationSettings)
    analyzer: AnalyzerSettings = msgspec.field(default_factory=AnalyzerSettings)
    alerts: AlertsSettings = msgspec.field(default_factory=AlertsSettings)
    console: ConsoleSettings = msgspec.field(default_factory=ConsoleSettings)
    grafana: GrafanaSettings = msgspec.field(default_factory=GrafanaSettings)
    metrics: MetricsSettings = msgspec.field(default_factory=MetricsSettings)


SCHEMA = Schema(Settings)


def load_settings(
    path: Path | None = None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Read the configuration.

    Parameters
    ----------
    path
        The file; None takes `./heatwatch.toml` if there is one. Relative paths in it are relative to its folder.
    env
        The environment; None takes the process's own.
    overrides
        Values of flags by full key, such as `{"site.points": "points.csv"}`.

    Raises
    ------
    ConfigError
        In one line that names the key, the value and what would be right.
    """
    given = _Given()
    if path is None and DEFAULT_FILE.is_file():
        path = DEFAULT_FILE
    if path is not None:
        given.file = str(path)
        given.sections = _read_file(path)
        given.check_names()
        anchor_files(given.sections, path, SCHEMA)
    for name, text in sorted((os.environ if env is None else env).items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            given.take(tuple(name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")), text, name)
    for key, value in (overrides or {}).items():
        given.take(tuple(key.split(".")), value, "command line")
    return given.settings()


@dataclass(slots=True)
class _Given:
    """What was said where, before it is checked."""

    file: str = ""
    sections: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)

    def take(self, path: tuple[str, ...], value: object, origin: str) -> None:
        """Put one value of the environment or the command line over what the file says."""
        if SCHEMA.is_secret(path):
            return  # read where it is needed (`heating.settings.read_secret`), never kept here
        if len(path) == 1:
            raise ConfigError(f"{origin}: names a section; right is {ENVIRONMENT_PREFIX}SECTION__KEY")
        self.origins[path] = origin
        kind = SCHEMA.at(path, self.sections) if len(path) == 2 else None
        if kind is None:
            raise self._no_such_key(path, SCHEMA.nearest(path))
        if isinstance(value, str):
            try:
                value = parse(kind, value)
            except (ValueError, KeyError):
                raise ConfigError(f"{origin}: {readable(path)} = {value!r}: {right(kind)}") from None
        section = self.sections.setdefault(path[0], {})
        if isinstance(section, dict):
            section[path[1]] = value

    def check_names(self) -> None:
        """Refuse the first key that does not exist."""
        for path, nearest in SCHEMA.unknown(self.sections):
            raise self._no_such_key(path, nearest)

    def settings(self) -> Settings:
        """Check everything and build the settings."""
        self.check_names()
        SCHEMA.spelled(self.sections)
        if found := SCHEMA.not_finite(self.sections):
            path, value = found
            raise ConfigError(f"{self._origin(path)}{readable(path)} = {value}: must be a finite number")
        try:
            return msgspec.convert(self.sections, Settings)
        except msgspec.ValidationError as error:
            path, told = SCHEMA.explain(error, mask(copy.deepcopy(self.sections)))
            raise ConfigError(f"{self._origin(path)}{told}") from None

    def _no_such_key(self, path: KeyPath, nearest: str) -> ConfigError:
        return ConfigError(f"{self._origin(path)}{readable(path)}: no such key; did you mean {nearest!r}?")

    def _origin(self, path: KeyPath) -> str:
        said = (self.origins.get(path[:length]) for length in range(len(path), 0, -1))
        origin = next(filter(None, said), self.file)
        return f"{origin}: " if origin else ""


def _read_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from error
