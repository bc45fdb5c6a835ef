"""Add a policy of your own, and see it in force."""

import asyncio
import tempfile
from pathlib import Path

from safelight import Safelight
from safelight.config import load_settings
from safelight.safety.content import Content, Stage

POLICY = """
id: house_rules
title: House rules of the school press
text: Images for the school paper do not name or depict pupils, whatever the occasion, unless the editors asked for it.
disallowed: [a named pupil, a caricature of a teacher]
allowed: [the school building, a made-up character]
offer: [a made-up character in the same scene]
thresholds:
  default: {review: 0.4, block: 0.8}
"""


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "house_rules.yaml").write_text(POLICY)
        async with Safelight(load_settings(policies=Path(folder))) as safelight:
            assembly = await safelight.assembly()
            print(len(assembly.policies), "policies in force, version", assembly.policies.version)
            verdict = await assembly.stack.judge(Content.of_text(Stage.PROMPT, "The school building in autumn"))
            # Nobody was told how to judge the new policy, so the verdict says that it was not checked.
            print(verdict.decision, "not checked:", *verdict.not_checked)


asyncio.run(main())
