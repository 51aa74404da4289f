"""The eventsourcing library's published test cases for recorders.

Their module imports the library's AES cipher, which needs pycryptodome; no recorder case uses
it, so an empty stand-in during the import spares us the dependency.
"""

import sys
from types import ModuleType

_stand_in = ModuleType("eventsourcing.cipher")
_stand_in.AESCipher = None  # type: ignore[attr-defined]
_before = sys.modules.get(_stand_in.__name__)
sys.modules[_stand_in.__name__] = _before or _stand_in

from eventsourcing.tests.persistence import (  # noqa: E402  after the stand-in
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
)

if _before is None:
    del sys.modules[_stand_in.__name__]

__all__ = ["AggregateRecorderTestCase", "ApplicationRecorderTestCase"]
