"""Decoders, one file for each device family; the register of them is `families.py`."""
