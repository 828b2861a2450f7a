"""A Landlock domain that grants nothing: no file, no TCP, no abstract socket, no signal outside (landlock(7))."""

import ctypes
import os

_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # the same numbers on x86_64 and aarch64
_QUERY_VERSION = 1
_TCP = 0b11  # bind, connect: since version 4
_SCOPES = 0b11  # abstract unix sockets, signals: since version 6
_PR_SET_NO_NEW_PRIVS = 38


def _file_rights(version: int) -> int:
    """All rights this version can handle: what is handled and not granted is denied."""
    bits = 13 + (version >= 2) + (version >= 3) + (version >= 5)
    return (1 << bits) - 1


class _Ruleset(ctypes.Structure):
    """struct landlock_ruleset_attr"""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


def version() -> int:
    """The kernel's Landlock version; 0 where it has none."""
    found: int = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, 0, _QUERY_VERSION)
    return max(found, 0)


def deny_all() -> bool:
    """Puts this thread and its future children into a domain without rights. False where the kernel has no Landlock.

    Raises OSError when the kernel has it and refuses.
    """
    found = version()
    if not found:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    rules = _Ruleset(_file_rights(found), _TCP if found >= 4 else 0, _SCOPES if found >= 6 else 0)
    size = 24 if found >= 6 else 16 if found >= 4 else 8
    ruleset: int = libc.syscall(_CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    try:
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(_RESTRICT_SELF, ruleset, 0):
            raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    finally:
        os.close(ruleset)
    return True
