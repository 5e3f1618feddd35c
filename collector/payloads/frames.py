"""Raw LoRaWAN frames of the sensors that companies buy, for servers without a payload codec.

What comes out has the names that the makers' own codecs use, so that a server with a codec and one without give the
same readings.
"""

from __future__ import annotations

from collector.payloads.dragino import can_only_be_lht65, is_lht65, lht65
from collector.payloads.message import Reason, Unreadable
from collector.payloads.milesight import is_em3, milesight, writes_like_milesight
from collector.payloads.record import Record


def frame_records(frame: bytes, model: str, port: object = None) -> list[Record]:
    """Return the records of a frame; `model` is what the server calls the device's type, `port` the LoRaWAN port.

    Raises
    ------
    Unreadable
        If neither the model nor the frame itself tells whose it is, or nothing in it can be read.
    """
    if is_lht65(model):
        return lht65(frame, model, port)
    if is_em3(model) or writes_like_milesight(frame, port):
        return milesight(frame, model)
    if can_only_be_lht65(frame, port):
        return lht65(frame, "", port)
    raise Unreadable(Reason.WRONG_SHAPE)


def names_model(model: str) -> bool:
    """Tell whether a name is one of a device whose frames are known."""
    return is_lht65(model) or is_em3(model)


def names_itself(frame: bytes, port: object) -> bool:
    """Tell whether a frame says whose it is, without a guess at the values."""
    return writes_like_milesight(frame, port)
