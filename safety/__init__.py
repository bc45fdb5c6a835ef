"""What may pass: policies, verdicts, moderators, the stack, clearances and guards."""

from __future__ import annotations

from .cascade import Cascade
from .chain import EffectChain
from .clearance import Clearance, ClearanceOffice
from .compose import all_of, consensus, first_block, within
from .content import Content, ImagePart, Part, Stage, TextPart
from .guard import Blocked, Cleared, Declined, Effect, Guard, Recorder, guard, guard_tool
from .moderator import Moderator
from .policy import Policy, PolicySet, StageThresholds, Thresholds
from .stack import SafetyStack
from .verdict import Decision, Finding, Verdict, combine

__all__ = [
    "Blocked",
    "Cascade",
    "Clearance",
    "ClearanceOffice",
    "Cleared",
    "Content",
    "Decision",
    "Declined",
    "Effect",
    "EffectChain",
    "Finding",
    "Guard",
    "ImagePart",
    "Moderator",
    "Part",
    "Policy",
    "PolicySet",
    "Recorder",
    "SafetyStack",
    "Stage",
    "StageThresholds",
    "TextPart",
    "Thresholds",
    "Verdict",
    "all_of",
    "combine",
    "consensus",
    "first_block",
    "guard",
    "guard_tool",
    "within",
]
