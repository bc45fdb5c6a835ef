"""One YAML file a language: the words by which a brief is read (counts, kinds, audiences, connectors). Data only."""

__all__: list[str] = []
