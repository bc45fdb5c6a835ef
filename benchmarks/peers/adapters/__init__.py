"""One module a peer: `VERSION`, `FLOORS` (seconds of the critical path, by variant) and `open_turn(variant, exits)`."""
