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

_AS_IMMORTAL: Final = {  # the count, and the flag that says it once more
    (3, 12): (0xFFFFFFFF, 0),
    (3, 13): (0xFFFFFFFF, 0),
    (3, 14): (0xC0000000, 1),
}
_FLAGS_AT: Final = 6  # bytes from the count


def _known() -> tuple[int, int] | None:
    """What makes an object immortal here; None where objects may be laid out otherwise, and would be destroyed: on 32
    bits, with free threading, in debug builds, in other versions."""
    usual = sys.maxsize > 1 << 32 and sys.byteorder == "little" and not hasattr(sys, "gettotalrefcount")
    if not usual or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return None
    return _AS_IMMORTAL.get(sys.version_info[:2])


def immortalize() -> int:
    """Every object that the garbage collector can reach; before gc.freeze(), which hides them from it.

    How many there were; 0 where this is not done.
    """
    known = _known()
    if known is None:
        return 0
    count, flag = known
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
        ctypes.c_uint32.from_address(id(value)).value = count
        if flag:
            ctypes.c_uint16.from_address(id(value) + _FLAGS_AT).value |= flag
    return len(found)
