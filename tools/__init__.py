"""What Safelight can do to the world: search, fetch and read, and (in `images`) have images made.

Everything that comes in here was written by strangers; docs/design/untrusted.md says how it is kept data. Import from
the modules: `search`, `providers`, `fetch`, `folder`, `files`, `reader`, `ranking`, `source`.
"""

__all__: list[str] = []
