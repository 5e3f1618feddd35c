"""The ground: words of the field, ports and rules that every wing speaks."""
