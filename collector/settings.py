"""Settings of the collector wing: `[mqtt]` and `[collector]` of heatwatch.toml (contract §2)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Field = Literal["temperature_c", "humidity_pct", "supply_c", "return_c", "flow_m3h", "battery_v"]


class TopicSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[[mqtt.topics]]`: which decoder reads what arrives under a topic filter; the first filter that fits counts."""

    filter: Annotated[str, Meta(description="MQTT topic filter, with + and #.", min_length=1, max_length=65535)]
    decoder: Annotated[
        str,
        Meta(
            description="Name of the device family: native, chirpstack, ttn, zigbee2mqtt, tasmota, shelly, value "
            "(docs/devices has a page on each)."
        ),
    ] = "native"
    timezone: Annotated[
        str,
        Meta(
            description="Zone of times that the device writes without an offset: `local` (site.timezone), a name such "
            "as Asia/Shanghai, or blank: what the family is known for (tasmota: local; all others must send an offset)."
        ),
    ] = ""
    unit: Annotated[
        Literal["", "C", "F"], Meta(description="Unit of temperatures whose payload names none; blank = °C.")
    ] = ""
    probes: Annotated[
        dict[str, Field],
        Meta(
            description="Which quantity a named probe of the device measures, for devices with several: "
            '{ "DS18B20-1" = "supply_c", "DS18B20-2" = "return_c" }.'
        ),
    ] = {}
    field: Annotated[Field, Meta(description="What the bare number of the `value` decoder means.")] = "temperature_c"


NATIVE_TOPICS = (
    TopicSettings(filter="heatwatch/v1/+/readings"),
    TopicSettings(filter="heatwatch/v1/+/status"),
)


class MqttSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[mqtt]`: the broker, and the session that the collector keeps on it."""

    host: Annotated[str, Meta(description="Host name or address of the broker.", min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(description="TCP port of the broker; 8883 is usual with TLS.", ge=1, le=65535)] = 1883
    client_id: Annotated[
        str,
        Meta(
            description="Name of the session on the broker. Keep it: the broker holds the readings that wait for this "
            "name. Two collectors on one broker need two names.",
            min_length=1,
            max_length=128,
        ),
    ] = "heatwatch-collector"
    username: Annotated[str, Meta(description="User name for the broker; blank = none.")] = ""
    password_file: Annotated[str, Meta(description="File that holds the password for the broker.")] = ""
    tls_ca: Annotated[
        str,
        Meta(description="File with the CA certificates to trust, or `system`; turns TLS on. Blank = no TLS."),
    ] = ""
    tls_cert: Annotated[str, Meta(description="File with our client certificate (PEM).")] = ""
    tls_key: Annotated[str, Meta(description="File with the key of our client certificate (PEM).")] = ""
    receive_maximum: Annotated[
        int,
        Meta(
            description="How many messages the broker may have on the way to us unacknowledged (MQTT 5).",
            ge=1,
            le=65535,
        ),
    ] = 2000
    version: Annotated[
        Literal["auto", "5", "3.1.1"],
        Meta(
            description="MQTT version; `auto` begins with 5 and falls back to 3.1.1 where the broker refuses it.",
            extra_json_schema={
                "spellings": {
                    **dict.fromkeys(("5.0", "v5", "v5.0", "mqttv5"), "5"),
                    # 4 is the number of the protocol 3.1.1 on the wire, which other programs take; 3 means it loosely.
                    **dict.fromkeys(("3", "4", "311", "v311", "v3.1.1", "mqttv311"), "3.1.1"),
                }
            },
        ),
    ] = "auto"
    keepalive_s: Annotated[
        int, Meta(description="A broker silent for longer than this and a ping is left [s].", ge=5, le=3600)
    ] = 30
    session_expiry_s: Annotated[
        int,
        Meta(description="How long the broker keeps our session and its queue while we are away [s].", ge=60),
    ] = 604_800
    device_password_file: Annotated[
        str,
        Meta(
            description="Password file of the broker (mosquitto's `password_file`), which `heatwatch devices` writes.",
            min_length=1,
        ),
    ] = "/etc/mosquitto/heatwatch/passwd"
    device_acl_file: Annotated[
        str,
        Meta(
            description="File of access rules of the broker (mosquitto's `acl_file`); `heatwatch devices` writes it "
            "where there is none.",
            min_length=1,
        ),
    ] = "/etc/mosquitto/heatwatch/acl"
    broker_pid_file: Annotated[
        str,
        Meta(
            description="mosquitto's `pid_file`: where it names a running broker, `heatwatch devices` makes that one "
            "read its accounts anew. Blank or no such file: it says that somebody has to."
        ),
    ] = "/run/mosquitto/mosquitto.pid"
    topics: Annotated[
        tuple[TopicSettings, ...],
        Meta(description="What to subscribe to, in order; default: the native topics of heatwatch."),
    ] = NATIVE_TOPICS


class CollectorSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """`[collector]`: batches, the spool between broker and store, limits."""

    batch_wait_s: Annotated[
        float, Meta(description="Longest time that a reading waits for others of its batch [s].", gt=0, le=60)
    ] = 1.0
    state_dir: Annotated[
        str,
        Meta(
            description="Folder for the spool (readings that wait while the store is away) and for the list of topics "
            "subscribed last. Blank = `collector` beside a SQLite ledger; with another ledger there is then no spool, "
            "and the readings wait in the broker."
        ),
    ] = ""
    spool_max_mb: Annotated[
        int,
        Meta(
            description="Size at which the spool is full [MB]; from then on the broker keeps what comes.",
            ge=1,
            le=1_000_000,
        ),
    ] = 2048
    spool_after_s: Annotated[
        float,
        Meta(description="How long the store may be away before readings go to the spool [s].", ge=0, le=3600),
    ] = 5.0
    drain_per_s: Annotated[
        int,
        Meta(
            description="Most packets a second taken back from the spool while live ones arrive; 0 = no bound.",
            ge=0,
        ),
    ] = 2000
    device_per_min: Annotated[
        int,
        Meta(
            description="Packets a minute that one topic may send for long, larger ones counted once for each KiB; "
            "what is beyond takes the slow way through the spool, so that a device gone mad does not starve the "
            "others. Nothing is dropped. 0 = no limit.",
            ge=0,
        ),
    ] = 6000
    quiet_alarm_s: Annotated[
        float,
        Meta(
            description="Not fresh (`/healthz`) when no packet at all came for this long [s]; 0 = never.",
            ge=0,
        ),
    ] = 7200.0
