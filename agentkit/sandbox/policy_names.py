"""Which names a program may use: the whole language policy as far as it is about names.

A name that starts and ends with two underscores is refused unless it is listed here; a name of the form `_x_` belongs
to the policy's own hooks; what stands in `DENIED` leads to frames, code, globals or the memory of the process.
Every string that becomes an attribute name at run time (getattr, attrgetter, format fields, namedtuple fields ...)
goes through the same functions.
"""

from typing import Final

from RestrictedPython.transformer import INSPECT_ATTRIBUTES


def words(text: str) -> list[str]:
    """Names written as one text."""
    return text.split()


_BINARY: Final = words("add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or")

# Methods that a class may define. Left out, so refused: hooks into attribute access, class creation, isinstance,
# pickling, awaiting and buffers.
METHODS: Final = frozenset(
    f"__{name}__"
    for name in (
        *words("init new post_init del call repr str bytes format hash bool len length_hint"),
        *words("getitem setitem delitem missing contains iter next reversed enter exit"),
        *words("lt le eq ne gt ge neg pos abs invert int float complex index round trunc floor ceil"),
        *words("get set delete set_name copy deepcopy replace"),
        *_BINARY,
        *(f"r{name}" for name in _BINARY),
        *(f"i{name}" for name in _BINARY if name != "divmod"),
    )
)
# Those that a program may also name, as in super().__init__() or list.__getitem__(self, 0). Descriptors are called by
# attribute access only: functools.cached_property.__get__(object) would read any entry of a class's dict.
READABLE_METHODS: Final = METHODS - {"__get__", "__set__", "__delete__", "__set_name__", "__del__"}
# Class variables that are tuples of names; the policy reads them, so they must be literals.
NAME_LISTS: Final = frozenset({"__slots__", "__match_args__"})
# What an enum may define, and what a program may read of one or of a namedtuple.
ENUM_NAMES: Final = frozenset({"_missing_", "_generate_next_value_", "_ignore_", "_order_", "_value_", "_name_"})
TUPLE_NAMES: Final = frozenset({"_asdict", "_replace", "_fields", "_make", "_field_defaults"})
MODULE_NAMES: Final = frozenset({"__all__", "__author__", "__version__"})  # variables that mean nothing here
TEXT_NAMES: Final = frozenset({"__name__", "__qualname__", "__doc__"})
_READABLE: Final = READABLE_METHODS | TEXT_NAMES | ENUM_NAMES | {"__members__", "__cause__", "__context__", "__notes__"}

# Without a leading underscore, yet the way to frames, code, globals, metaclasses, raw memory or files.
DENIED: Final = INSPECT_ATTRIBUTES | frozenset(
    {
        *("mro", "cell_contents", "tb_lasti", "tb_lineno"),
        *("func_globals", "func_code", "func_closure", "func_dict", "func_defaults", "func_kwdefaults"),  # Cython
        *("evaluate_bound", "evaluate_constraints", "evaluate_default", "evaluate_value"),  # typing: these eval strings
        "attrname",  # functools.cached_property: which entry of an object's dict it writes
        *("ctypes", "cffi", "capsule", "tofile"),  # numpy: addresses, files
    }
)
# May be an unchecked door: read through `_getattr_`, which looks at the value.
GUARDED: Final = frozenset({"format", "format_map", "obj", "dump", "evaluate", "_evaluate", "__cause__", "__context__"})
# May read the clock: read through `_getattr_` too.
CLOCKS: Final = frozenset({"now", "utcnow", "today"})

_HINTS: Final = {
    "__class__": "write type(x)",
    "__dict__": "write vars(x)",
    "__builtins__": "call the function by its name",
    "__import__": "write an import statement",
    "__file__": "there are no files here",
    "__traceback__": "print(repr(error)) shows what went wrong",
    "__module__": "type(x).__name__ gives the name of a class",
    "__getattr__": "define a method or a property",
    "__getattribute__": "define a method or a property",
    "__setattr__": "define a property with a setter",
    "__delattr__": "define a method",
    "__class_getitem__": "define a classmethod",
    "__init_subclass__": "call a function or a decorator on the class",
    "__wrapped__": "keep a reference to the function",
    "__annotations__": "annotations are not evaluated; dataclasses.fields() gives the names of fields",
    "__subclasses__": "keep a list of the classes",
    "__reduce__": "define __copy__ or __deepcopy__",
    "mro": "isinstance and issubclass tell what a class derives from",
}


def _refusal(name: str, what: str) -> str:
    hint = _HINTS.get(name)
    return f"{name!r} is not allowed as {what}" + (f": {hint}" if hint else "")


def is_reserved(name: str) -> bool:
    """_x_, the shape of the policy's hooks (and of some enum names)."""
    return len(name) > 2 and name[0] == "_" and name[-1] == "_" and name.strip("_") != ""


def attribute_refusal(name: str) -> str | None:
    """Why a program may not read the attribute of this name, or None when it may (perhaps through `_getattr_`)."""
    if name in DENIED:
        return _refusal(name, "an attribute")
    if name[:1] != "_" or not is_reserved(name):
        return None
    return None if name in _READABLE else _refusal(name, "an attribute")


def store_refusal(name: str) -> str | None:
    """Why a program may not set or delete the attribute of this name."""
    if name in DENIED or (is_reserved(name) and name not in TEXT_NAMES and name not in ENUM_NAMES):
        return _refusal(name, "an attribute to set")
    return None


def field_refusal(name: str) -> str | None:
    """Why a string may not become the name of a field (of a namedtuple, a dataclass, an enum made by a call)."""
    if name in DENIED or is_reserved(name):
        return _refusal(name, "a field")
    return None


def binding_refusal(name: str, *, in_class: bool) -> str | None:
    """Why a program may not bind a name: a variable, function, class, argument or import."""
    if name[:1] != "_" and not in_class:
        return None
    if in_class and (name in METHODS or name in ENUM_NAMES or name == "__doc__"):
        return None
    if name in MODULE_NAMES and not in_class:
        return None
    if is_reserved(name) or (in_class and name in DENIED):
        return _refusal(name, "a name in a class" if in_class else "a variable")
    return None
