"""Regulation profiles, one TOML file a city or house rule; `heating.regulation` loads them."""
