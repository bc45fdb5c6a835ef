"""One YAML file a language: the structural words that a plan may set ("Part 2 of 4"), and its open questions. Data only."""

__all__: list[str] = []
