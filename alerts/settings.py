"""Settings of the alerts wing: `[alerts]` and `[[alerts.receivers]]` of heatwatch.toml (contract §2)."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

_LOCAL_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
LocalTime = Annotated[str, Meta(description="Local time of day, `HH:MM`; blank = no quiet hours.")]
SecretFile = Annotated[
    str, Meta(description="File that holds the secret; it is read anew at each start. Blank = none.")
]


class Receiver(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True, tag_field="type"):
    """What every receiver has, whatever its type."""

    name: Annotated[
        str,
        Meta(description="Unique name; stands in ids of notices, logs and metrics."),
    ]
    with_contact: Annotated[
        bool,
        Meta(
            description="Put contact, telephone and address of the homes into the messages. Off: ids and places only."
        ),
    ] = False
    quiet_from: LocalTime = ""
    quiet_to: LocalTime = ""
    per_minute: Annotated[
        int,
        Meta(
            description="Messages a minute [1/min], the rest is told in one digest; group bots allow 20. 0 = no limit.",
            ge=0,
        ),
    ] = 15

    def __post_init__(self) -> None:
        """Refuse a name that cannot stand in an id, and times that are none."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: {self.name!r} must be 1 to 40 of the letters a to z, digits, - and _")
        for key in ("quiet_from", "quiet_to"):
            if (text := getattr(self, key)) and not _LOCAL_TIME.fullmatch(text):
                raise ValueError(f"{key}: {text!r} must be a time of day such as 22:00, or blank")


class ConsoleReceiver(Receiver, tag="console", forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A line in the log of the process."""


class FileReceiver(Receiver, tag="file", forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A line of JSON appended to a file and synced to disk."""

    path: Annotated[str, Meta(description="File of JSON lines; it may be rotated at any time.", min_length=1)]
    per_minute: Annotated[int, Meta(description="Messages a minute [1/min]; 0 = no limit.", ge=0)] = 0


class WebhookReceiver(Receiver, tag="webhook", forbid_unknown_fields=True, kw_only=True, frozen=True):
    """An HTTP POST of JSON, with the id of the notice as `Idempotency-Key`."""

    url: Annotated[str, Meta(description="Address, `https://...` or `http://...`.", pattern=r"^(https?://.+)?$")] = ""
    url_file: Annotated[
        str, Meta(description="File that holds the address, where it contains a secret. Stands in for `url`.")
    ] = ""
    token_file: SecretFile = ""
    tls_ca: Annotated[str, Meta(description="File of the certificate authority; blank = those of the system.")] = ""
    timeout_s: Annotated[float, Meta(description="Patience with the server [s].", gt=0, le=120)] = 10.0


class MqttReceiver(Receiver, tag="mqtt", forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A message of JSON to a topic of an MQTT broker, QoS 1, not retained."""

    topic: Annotated[
        str, Meta(description="Topic; `{order}` is replaced by the id of the order.", pattern=r"^[^+#]+$")
    ] = "heatwatch/v1/notices"
    host: Annotated[str, Meta(description="Address of the broker.", min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(description="TCP port of the broker.", ge=1, le=65535)] = 1883
    client_id: Annotated[str, Meta(description="Client id; blank = the broker chooses one.")] = ""
    username: Annotated[str, Meta(description="User name; blank = none.")] = ""
    password_file: SecretFile = ""
    tls_ca: Annotated[str, Meta(description="File of the certificate authority; blank = no TLS.")] = ""
    version: Annotated[int, Meta(description="MQTT version: 5 or 4 (3.1.1).", ge=4, le=5)] = 5
    timeout_s: Annotated[float, Meta(description="Patience with the broker [s].", gt=0, le=120)] = 10.0


class AppriseReceiver(Receiver, tag="apprise", forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Chat, e-mail and many more through apprise (`pip install heatwatch[apprise]`)."""

    urls_file: Annotated[
        str,
        Meta(description="File of apprise addresses, one a line (`wecombot://...`, `dingtalk://...`).", min_length=1),
    ]


AnyReceiver = ConsoleReceiver | FileReceiver | WebhookReceiver | MqttReceiver | AppriseReceiver


class AlertsSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[alerts]`: orders, their clocks, and who is told."""

    every_s: Annotated[
        float, Meta(description="How often new findings and clocks are looked at [s].", ge=0.1, le=600)
    ] = 10.0
    lead_fraction: Annotated[
        float,
        Meta(description="A step is announced when this part of its time is left [0…1].", ge=0.0, le=1.0),
    ] = 0.2
    lead_min_s: Annotated[float, Meta(description="... but at least so long before it is due [s].", ge=0.0)] = 120.0
    outage_notice_h: Annotated[
        float,
        Meta(description="A registered outage at least this long gets the draft of a notice (S2 §9(3)) [h].", gt=0),
    ] = 8.0
    retry_first_s: Annotated[float, Meta(description="Wait before the second try of a message [s].", gt=0)] = 5.0
    retry_most_s: Annotated[float, Meta(description="Longest wait between two tries [s].", gt=0)] = 900.0
    give_up_h: Annotated[
        float, Meta(description="A message that could not be delivered for so long is given up, and counted [h].", gt=0)
    ] = 48.0
    receivers: Annotated[
        tuple[AnyReceiver, ...],
        Meta(description="Who is told: `[[alerts.receivers]]` with `name`, `type` and the type's own keys."),
    ] = (ConsoleReceiver(name="log"),)
