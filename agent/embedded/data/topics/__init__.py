"""One YAML file a topic: textbook statements that are true of it in general, with no figures. Data only."""

__all__: list[str] = []
