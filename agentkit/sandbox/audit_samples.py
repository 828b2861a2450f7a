"""Programs that make objects of every kind a program can make, for the audit to walk."""

from typing import Final

SAMPLES: Final = """
import abc, array, calendar, collections, contextlib, copy, csv, dataclasses, datetime, decimal, difflib, enum
import fractions, functools, graphlib, hashlib, io, itertools, json, operator, queue, random, re, statistics
import string, struct, textwrap, time, types, typing, urllib.parse, uuid, zlib
from dateutil.relativedelta import relativedelta, MO
from dateutil.rrule import rrule, DAILY
import dateutil.parser
def generator():
    yield 1
def closure():
    x = 1
    def inner():
        return x
    return inner
class Plain:
    y = 1
    def __init__(self):
        self.x = 1
    @property
    def p(self):
        return 1
    @classmethod
    def c(cls):
        return 1
    @staticmethod
    def s():
        return 1
    @functools.cached_property
    def cached(self):
        return 1
@dataclasses.dataclass
class Record:
    a: int = 1
class Colour(enum.Enum):
    RED = 1
class Bits(enum.IntFlag):
    A = 1
class Base(abc.ABC):
    pass
class Shape(typing.NamedTuple):
    x: int = 1
class Table(typing.TypedDict):
    x: int
class Proto(typing.Protocol):
    x: int
class Encoder(json.JSONEncoder):
    pass
class Template(string.Template):
    pass
T = typing.TypeVar("T")
@functools.lru_cache
def cached(x):
    return x
@contextlib.contextmanager
def managed():
    yield 1
@functools.singledispatch
def dispatched(x):
    return x
def failure(source):
    try:
        source()
    except Exception as error:
        return error
errors = [failure(f) for f in (lambda: 1 / 0, lambda: [].x, lambda: {}[1], lambda: math.nope, lambda: int("x"))]
errors += [failure(f) for f in (lambda: re.compile("("), lambda: json.loads("{"), lambda: json.nope, lambda: nope)]
def parts(kind):
    found = []
    try:
        try:
            raise ExceptionGroup("a", [ValueError(1), TypeError(2)]) if kind is ValueError else SystemExit(3)
        except* kind as part:
            found.append(part)
            raise KeyError(4)
    except (Exception, SystemExit) as error:
        found.append(error)
    return found
running = generator()
next(running)
many = [
    generator(), running, closure(), Plain, Plain(), Plain.c, Plain.s, Plain().c, Record, Record(), Colour, Colour.RED,
    Bits.A, Base, Shape, Shape(), Table, Proto, Encoder, Encoder(), Template, Template("$a"), T, typing.List[T],
    typing.Optional["x"], list[int], int | str, cached, cached.cache_info(), managed, managed(), dispatched,
    dataclasses.fields(Record), dataclasses.field(), types.SimpleNamespace(a=1), types.MappingProxyType({}),
    re.compile("a(?P<n>b)"), re.match("a", "a"), re.finditer("a", "a"), collections.namedtuple("N", "a b")(1, 2),
    collections.Counter("ab"), collections.defaultdict(list), collections.deque([1]), collections.OrderedDict(a=1),
    collections.ChainMap({}), collections.UserDict(), collections.UserList(), {}.keys(), {}.items(), iter([]), iter({}),
    enumerate([]), zip(), map(len, []), filter(None, []), reversed([]), range(3), slice(1),
    memoryview(b"x"), super(Plain),
    datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), datetime.timedelta(1), relativedelta(days=1), MO,
    rrule(DAILY, count=2), dateutil.parser.parserinfo(), decimal.Decimal(1), decimal.getcontext(),
    decimal.localcontext(), fractions.Fraction(1, 2), statistics.NormalDist(), random.Random(1), array.array("i", [1]),
    io.StringIO("a"), io.BytesIO(b"a"), csv.reader([]), csv.DictReader([]), csv.writer(io.StringIO()), csv.Sniffer(),
    difflib.SequenceMatcher(), difflib.HtmlDiff(), graphlib.TopologicalSorter(), hashlib.sha256(), queue.Queue(),
    queue.PriorityQueue(), queue.SimpleQueue(), uuid.uuid4(), struct.Struct("i"),
    zlib.compressobj(), zlib.decompressobj(), textwrap.TextWrapper(), time.gmtime(), calendar.TextCalendar(),
    urllib.parse.urlsplit("http://a/b"), json.JSONDecoder(), contextlib.ExitStack(), contextlib.suppress(ValueError),
    contextlib.nullcontext(), contextlib.closing(io.StringIO()), itertools.tee([1]), itertools.count(),
    itertools.groupby([1]), functools.partial(len, []), functools.partialmethod(len), functools.cmp_to_key(len),
    operator.itemgetter(1), operator.attrgetter("real"), operator.methodcaller("lower"), "{}".format, str.format,
    property(len), classmethod(len), staticmethod(len), type(1), type(len), type(generator), Exception(),
    ExceptionGroup("a", errors), parts(ValueError), parts(SystemExit), parts(5),
    enum.auto(), copy.Error(), object(), NotImplemented,
    Ellipsis, print, len, type, getattr, open, [].append, str.upper,
]
"""
NUMERIC: Final = {
    "numpy": """
import numpy as np
arrays = [np.arange(3), np.float64(1), np.dtype("i4"), np.random.default_rng(1), np.random.RandomState(1),
    np.add, np.matrix([[1]]),
    np.poly1d([1]), np.nditer([1]), np.vectorize(len), np.errstate(), np.linalg.eig(np.eye(2)),
    np.datetime64("2020-01-01"),
    np.rec.array([(1,)]) if hasattr(np, "rec") else 0, np.array("a"), np.arange(3).flat, np.polynomial.Polynomial([1])]
""",
    "sympy": """
import sympy as sp
x = sp.Symbol("x")
terms = [x, x + 1, sp.Eq(x, 1), sp.Integer(1), sp.Rational(1, 2), sp.Matrix([[1]]), sp.pi,
    sp.sin(x), sp.solve(x - 1, x)]
""",
}
