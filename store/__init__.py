"""What is kept: database, image blobs, the audit ledger, effects, runs, keys."""

from __future__ import annotations

from .accounts import Account, Accounts, pseudonym
from .api_keys import ApiKey, ApiKeys
from .audit import Audit
from .blobs import Blobs, ref_of
from .chain import Entry
from .checkpoints import open_checkpointer, strict_serializer
from .database import Database
from .effects import Effects, Finished, Outcome, Pending, Started, Unknown
from .images import ImageRecord, Images
from .jobs import Job, Jobs
from .keys import KeyRing, Keys
from .ledger import Ledger, Record
from .recorder import LedgerRecorder
from .runs import RunRecord, Runs
from .store import Erased, Store

__all__ = [
    "Account",
    "Accounts",
    "ApiKey",
    "ApiKeys",
    "Audit",
    "Blobs",
    "Database",
    "Effects",
    "Entry",
    "Erased",
    "Finished",
    "ImageRecord",
    "Images",
    "Job",
    "Jobs",
    "KeyRing",
    "Keys",
    "Ledger",
    "LedgerRecorder",
    "Outcome",
    "Pending",
    "Record",
    "RunRecord",
    "Runs",
    "Started",
    "Store",
    "Unknown",
    "open_checkpointer",
    "pseudonym",
    "ref_of",
    "strict_serializer",
]
