"""The roof: configuration, wiring and the `heatwatch` command; the only code that sees every wing."""

from heatwatch.guard import stop_if_shadowed

stop_if_shadowed()  # before the first import of a name that could be somebody else's
