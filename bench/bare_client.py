"""The bare MQTT client with an empty callback: `bare_client.py PORT CLIENT_ID MESSAGES WINDOW auto|manual`.

Says `done` on stdout when it has received all, and stays until it is ended.
"""

from __future__ import annotations

import sys
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

FILTER = "heatwatch/v1/+/readings"


def main() -> None:
    """Receive and acknowledge, nothing else."""
    port, client_id, messages, window, how = sys.argv[1:]
    client = Client(
        CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5, manual_ack=how == "manual"
    )
    left = int(messages)

    def count() -> None:
        nonlocal left
        left -= 1
        if not left:
            sys.stdout.write("done\n")
            sys.stdout.flush()

    def on_manual(client: Client, userdata: Any, message: MQTTMessage) -> None:
        client.ack(message.mid, message.qos)
        count()

    def on_auto(client: Client, userdata: Any, message: MQTTMessage) -> None:
        count()

    def on_connect(client: Client, *_: Any) -> None:
        client.subscribe(FILTER, 1)

    client.on_message = on_manual if how == "manual" else on_auto
    client.on_connect = on_connect
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval, properties.ReceiveMaximum = 86_400, int(window)
    client.connect("127.0.0.1", int(port), clean_start=False, properties=properties)
    client.loop_forever()


if __name__ == "__main__":
    main()
