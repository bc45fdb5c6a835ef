"""One YAML file a language: the structural words that a plan may set, and its open questions. Data only."""

__all__: list[str] = []
