"""What programs may import: an allow-list of modules, shown through facades of their public names.

A facade is a new, empty module object filled with values; the real module, its globals and the modules it imports
are not in it. `audit.py` walks everything that can be reached from here.
"""

import codecs
import sys
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Final

from . import copying, dispatching, fixed, standins
from .guards import Absent, attrgetter, is_metaclass, methodcaller
from .methods import close_doors
from .policy_names import words
from .typing_forms import forms
from .zones import available_timezones, preload, zone

_DATEUTIL: Final = ("relativedelta", "parser", "rrule", "easter", "tz")

BASE_MODULES: Final[tuple[str, ...]] = (
    *("math", "cmath", "statistics", "random", "fractions", "decimal", "numbers"),
    *("itertools", "functools", "operator", "collections", "collections.abc", "heapq", "bisect", "graphlib", "array"),
    *("queue", "copy", "enum", "dataclasses", "typing", "types", "abc", "contextlib"),
    *("string", "re", "textwrap", "unicodedata", "difflib", "pprint", "html", "json", "csv", "io", "urllib.parse"),
    *("datetime", "calendar", "time", "zoneinfo", *(f"dateutil.{name}" for name in _DATEUTIL)),
    *("hashlib", "base64", "binascii", "struct", "zlib", "uuid", "colorsys"),
    *("sys", "traceback", "warnings"),
)

# Loaded and shown together with the module.
_PARTS: Final = {
    "numpy": ("numpy.linalg", "numpy.random", "numpy.fft", "numpy.polynomial"),
    "sympy": ("sympy.abc", "sympy.solvers", "sympy.ntheory", "sympy.geometry", "sympy.functions", "sympy.matrices"),
}

# Only these names.
_ONLY: Final = {
    "abc": "ABC abstractmethod",
    "contextlib": "contextmanager suppress closing nullcontext ExitStack ContextDecorator AbstractContextManager",
    "copy": "replace Error",
    "dateutil.parser": "parse isoparse parserinfo ParserError",
    "dateutil.tz": "UTC tzutc tzoffset",
    "dataclasses": "is_dataclass MISSING KW_ONLY InitVar FrozenInstanceError",
    "enum": "auto unique verify member nonmember EnumCheck FlagBoundary UNIQUE CONTINUOUS NAMED_FLAGS "
    "STRICT CONFORM EJECT KEEP",
    "functools": "reduce partial partialmethod lru_cache cache cached_property cmp_to_key total_ordering",
    "io": "StringIO BytesIO",
    "queue": "Queue LifoQueue PriorityQueue SimpleQueue Empty Full",
    "sys": "maxsize float_info int_info version version_info byteorder getrecursionlimit getsizeof",
    "time": "time time_ns perf_counter perf_counter_ns monotonic monotonic_ns process_time sleep strftime strptime "
    "localtime gmtime mktime ctime asctime struct_time timezone tzname",
    "traceback": "",
    "typing": "",
    "types": "MappingProxyType NoneType GeneratorType FunctionType LambdaType MethodType BuiltinFunctionType",
    "uuid": "UUID uuid3 uuid4 uuid5 NAMESPACE_DNS NAMESPACE_URL NAMESPACE_OID NAMESPACE_X500",
    "warnings": "warn filterwarnings simplefilter",
    "zoneinfo": "ZoneInfoNotFoundError",
}
# All public names but these.
_WITHOUT: Final = {
    "calendar": "LocaleTextCalendar LocaleHTMLCalendar",
    "collections": "UserString",  # its format() is unchecked
    "hashlib": "file_digest",
    "string": "Formatter",
    "numpy": "load save savez savez_compressed savetxt loadtxt genfromtxt fromfile fromregex memmap test info "
    "show_config show_runtime get_include seterrcall",
    "sympy": "test doctest init_session init_printing preview source",
}
# Own versions.
_INSTEAD: Final[dict[str, dict[str, object]]] = {
    "abc": {"ABCMeta": standins.NoMetaclass("ABCMeta")},
    "collections": {"namedtuple": standins.namedtuple},
    "contextlib": {"redirect_stdout": standins.redirect_stdout},
    "copy": {"copy": copying.copy, "deepcopy": copying.deepcopy},
    "dataclasses": {
        **{name: getattr(standins, name) for name in ("dataclass", "field", "fields")},
        **{name: getattr(copying, name) for name in ("asdict", "astuple", "replace")},
    },
    "enum": {
        **{name: getattr(standins, name) for name in ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag")},
        **{name: standins.NoMetaclass(name) for name in ("EnumMeta", "EnumType")},
    },
    "functools": {
        **{name: getattr(standins, name) for name in ("wraps", "update_wrapper")},
        **{name: getattr(dispatching, name) for name in ("singledispatch", "singledispatchmethod")},
    },
    "operator": {"attrgetter": attrgetter, "methodcaller": methodcaller},
    "sys": {
        "setrecursionlimit": standins.setrecursionlimit,
        "stdout": standins.Stream(),
        "stderr": standins.Stream(),
        "exit": Absent("sys.exit()", "let the program end, or return from the function"),
    },
    "traceback": {"format_exc": standins.format_exc, "print_exc": standins.print_exc},
    "time": fixed.TIME,
    "types": {"SimpleNamespace": standins.SimpleNamespace},
    "typing": forms(),
    "uuid": {"uuid4": fixed.uuid4},
    "warnings": {"catch_warnings": standins.catch_warnings},
    "zoneinfo": {"ZoneInfo": zone, "available_timezones": available_timezones},
}

_MATH_NAMES: Final = ("Symbol", "Eq", "solve", "simplify")


def _with_parts(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(part for name in names for part in (name, *_PARTS.get(name, ()))))


def load(names: Iterable[str]) -> dict[str, ModuleType]:
    """Imports the real modules, and the parts shown with them. An unknown name raises ImportError."""
    return {name: import_module(name) for name in _with_parts(names)}


def _public(name: str, module: ModuleType) -> dict[str, object]:
    if name in _ONLY:
        names: Iterable[str] = _ONLY[name].split()
    else:
        hidden = _WITHOUT.get(name, "").split()
        names = [item for item in getattr(module, "__all__", None) or dir(module) if item not in hidden]
    found = {item: getattr(module, item) for item in names if not item.startswith("_") and hasattr(module, item)}
    return {item: value for item, value in found.items() if is_showable(value)} | _INSTEAD.get(name, {})


def is_showable(value: object) -> bool:
    """Neither a module nor a metaclass."""
    return not isinstance(value, ModuleType) and not is_metaclass(value)


def facades(names: Iterable[str]) -> dict[str, object]:
    """A facade for each name and each package above it, by dotted name. Loads what is not loaded."""
    shown: dict[str, ModuleType] = {}
    loaded = load(names)
    close_doors(name for name in loaded if not name.startswith("sympy"))  # which evaluates text anyway
    for name, module in loaded.items():
        facade = shown.setdefault(name, ModuleType(name))
        vars(facade).update(_public(name, module))
    for name in sorted(shown):
        _attach(shown, name)
    return dict(shown)


def _attach(shown: dict[str, ModuleType], name: str) -> None:
    """Makes `a.b` an attribute of the facade `a`."""
    above, _, last = name.rpartition(".")
    if above:
        setattr(shown.setdefault(above, ModuleType(above)), last, shown[name])
        _attach(shown, above)


def prebound(names: Iterable[str] = ()) -> dict[str, object]:
    """What a program finds without importing it. With "sympy" among `names` also Symbol, Eq, solve and simplify.

    `datetime` is the class, as PAL prompts use it; after `import datetime` it is the module, as everywhere.
    """
    import math
    from datetime import date, datetime, timedelta
    from decimal import Decimal
    from fractions import Fraction

    from dateutil.relativedelta import relativedelta

    shown = facades(("math", "statistics"))
    found: dict[str, object] = {
        **shown,
        **{name: getattr(math, name) for name in ("factorial", "gcd", "comb")},
        "datetime": datetime,
        "date": date,
        "timedelta": timedelta,
        "relativedelta": relativedelta,
        "Fraction": Fraction,
        "Decimal": Decimal,
    }
    if "sympy" in names:
        sympy = import_module("sympy")
        found |= {name: getattr(sympy, name) for name in _MATH_NAMES}
    return found


_CODECS: Final = (
    "ascii latin-1 utf-7 utf-8-sig utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be iso8859-15 cp437 cp1250 "
    "cp1251 cp1252 koi8-r mac-roman unicode_escape rot13 punycode idna"
)


def warm() -> None:
    """Imports what C code and the libraries only import when first used, so that a sealed process need not."""
    import datetime
    import time

    for codec in words(_CODECS):
        codecs.encode("a", codec)
    time.strptime("2020-01-02", "%Y-%m-%d")
    datetime.datetime.strptime("2020-01-02", "%Y-%m-%d").strftime("%d %B")
    preload()
    if "numpy" in sys.modules:
        sys.modules["numpy"].arange(3).mean()
    if "sympy" in sys.modules:
        for name in words(_SYMPY_LATER):
            import_module(f"sympy.{name}")
        _call_lambdify()


def _call_lambdify() -> None:
    sympy = import_module("sympy")
    x = sympy.Symbol("x")
    sympy.lambdify(x, x)(1)  # fills a namespace with all of numpy when that is there, else with math
    sympy.lambdify(x, x, "math")(1)


_SYMPY_LATER: Final = (
    "assumptions.wrapper assumptions.facts assumptions.handlers assumptions.satask assumptions.sathandlers "
    "assumptions.lra_satask assumptions.predicates.calculus assumptions.predicates.common combinatorics "
    "assumptions.predicates.matrices assumptions.predicates.ntheory assumptions.predicates.order codegen.ast "
    "assumptions.predicates.sets concrete.delta integrals.heurisch integrals.manualintegrate integrals.risch "
    "integrals.prde integrals.rde logic.algorithms.dpll2 logic.algorithms.lra_theory physics.matrices physics.units "
    "polys.polymatrix sets.handlers.functions sets.handlers.issubset sets.setexpr tensor.tensor "
    "polys.domains.old_fractionfield polys.domains.old_polynomialring assumptions.handlers.matrices "
    "matrices.expressions.factorizations matrices.expressions.fourier"
)
