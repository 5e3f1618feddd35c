"""An MQTT client with an empty callback: `bare_client.py PORT CLIENT_ID MESSAGES WINDOW auto|manual|ours`.

`auto` and `manual` are paho's own client, as it comes; `manual` acknowledges each message in the callback. `ours` is
the collector's, which acknowledges half a window at once. Says `done` on stdout when all has come, and stays until it
is ended.
"""

from __future__ import annotations

import sys
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from collector.client import Arrival, QuickClient

FILTER = "heatwatch/v1/+/readings"


def main() -> None:
    """Receive and acknowledge, nothing else."""
    port, client_id, messages, window, how = sys.argv[1:]
    left = Countdown(int(messages))
    client = _ours(client_id, int(window) // 2, left) if how == "ours" else _paho(client_id, how, left)
    client.on_connect = lambda client, *_: client.subscribe(FILTER, 1)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval, properties.ReceiveMaximum = 86_400, int(window)
    client.connect("127.0.0.1", int(port), clean_start=False, properties=properties)
    client.loop_forever()


class Countdown:
    """Says `done` when the last message has come."""

    def __init__(self, messages: int) -> None:
        self.left = messages

    def one(self) -> None:
        """Count a message."""
        self.left -= 1
        if not self.left:
            sys.stdout.write("done\n")
            sys.stdout.flush()


def _paho(client_id: str, how: str, left: Countdown) -> Client:
    client = Client(
        CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=how == "manual"
    )

    def on_manual(client: Client, userdata: Any, message: MQTTMessage) -> None:
        client.ack(message.mid, message.qos)
        left.one()

    def on_auto(client: Client, userdata: Any, message: MQTTMessage) -> None:
        left.one()

    client.on_message = on_manual if how == "manual" else on_auto
    return client


def _ours(client_id: str, batch: int, left: Countdown) -> Client:
    mids: list[int] = []

    def arrived(client: QuickClient, arrival: Arrival) -> None:
        mids.append(arrival.mid)
        if len(mids) == batch or left.left == 1:
            client.acknowledge(mids)
            mids.clear()
        left.one()

    return QuickClient(client_id, version5=True, arrived=arrived)


if __name__ == "__main__":
    main()
