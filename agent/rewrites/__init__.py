"""How requests are made safe, as YAML, one file a policy: what is put in place of what, by language. Data only.

`swaps` are tried first (words for words; an empty `put` deletes), then whole clauses go, then the `frame` shifts the
scene, and at last `instead` offers what the policy leaves of the purpose. Where `questions` is true, a question keeps
its sense with its words swapped; elsewhere it goes straight to what is left of the purpose.
"""

__all__: list[str] = []
