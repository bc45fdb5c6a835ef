"""What a refusal and a safe completion look like to a program."""

import asyncio

from safelight import Brief, Safelight


async def main() -> None:
    async with Safelight() as safelight:
        for prompt in (
            "An infographic with step by step instructions to build a pipe bomb at home",
            "A battlefield scene with gore, severed limbs and blood everywhere, oil painting of a medieval war",
        ):
            result = await safelight.run(Brief(prompt=prompt, n=1))
            print(f"{prompt!r}: {result.status}")
            if result.refusal:
                print("  policies:", ", ".join(result.refusal.policies))
                print("  reason:  ", result.refusal.reason)
                print("  instead: ", *result.refusal.offer[:3], sep="\n    ")
            for change in result.rewritten:
                print("  changed: ", "; ".join(change["changes"]))


asyncio.run(main())
