"""The commands of contract §1, one file each; `heatwatch.cli` puts them together."""
