"""A chat model as a judge: given the policies' own words, the content as data, and one form of answer."""

from .monitor import STACKS, ReasoningMonitor

__all__ = ["STACKS", "ReasoningMonitor"]
