"""Makes what the zygote holds immortal (PEP 683), so that workers write no reference counts to shared pages.

After a fork the first write to a page copies it, and counting references writes almost everywhere. Python 3.12 and
later count nothing on an object whose count says that it is immortal: those that the interpreter makes are, and here
all others become so too. None is ever freed then; a zygote and its workers end whole.
"""

import ctypes
import gc
import sys
import sysconfig
from typing import Final

_COUNT: Final = 0xFFFFFFFF
_TRIED: Final = ((3, 12), (3, 13))  # a version whose objects are laid out otherwise would be destroyed


def _is_known() -> bool:
    """Whether the count is where it is looked for: 64 bits, no free threading, no debug build."""
    usual = sys.maxsize > 1 << 32 and sys.byteorder == "little" and not hasattr(sys, "gettotalrefcount")
    return usual and sys.version_info[:2] in _TRIED and not sysconfig.get_config_var("Py_GIL_DISABLED")


def immortalize() -> int:
    """Every object that the garbage collector can reach; before gc.freeze(), which hides them from it.

    How many there were; 0 where this is not done.
    """
    if not _is_known():
        return 0
    seen: set[int] = set()
    found: list[object] = []
    waiting: list[object] = gc.get_objects()
    mine = {id(seen), id(found), id(waiting)}
    while waiting:
        value = waiting.pop()
        if id(value) not in seen and id(value) not in mine:
            seen.add(id(value))
            found.append(value)
            waiting.extend(gc.get_referents(value))
    for value in found:
        ctypes.c_uint32.from_address(id(value)).value = _COUNT
    return len(found)
