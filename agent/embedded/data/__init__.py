"""What the embedded reasoner knows, as YAML: words, phrases, looks, themes and outlines. Data only."""

__all__: list[str] = []
