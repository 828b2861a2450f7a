"""Lines of Python in GBNF: statements and expressions as the programs of a small model have them.

Brackets and texts are closed in their line, and an operator has something on both sides. What a grammar cannot say is
left to Python: indentation, an `else` without its `if`, a number that is assigned to. Left out are brackets and texts
over several lines, semicolons, decorators, `async` and `match`.
"""

from __future__ import annotations

from agentkit.models.gbnf import Rules

__all__ = ["code"]

LINES, PARTS, TEXT = 24, 20, 100
"""Of a program: its lines; the operators of an expression or the items of a list; the characters of a text."""

# Python needs no backtick: without one, the fence can only end where it should.
_CONTROLS = r"`\x00-\x1F\x7F\x85\u2028\u2029"


def _text(quote: str) -> str:
    """A text, and one with expressions in it, between these quotes."""
    plain, opened = rf"[^{quote}\\{_CONTROLS}]", rf"[^{quote}{{}}\\{_CONTROLS}]"
    mark = '"\\""' if quote == '"' else '"\'"'
    escaped = r'"\\" ["\\nt{}]' if quote == '"' else r'"\\" [\x27\\nt]'
    filled = rf'"{{" expr (":" [^{quote}\x27{{}}\\{_CONTROLS}]{{1,12}})? "}}"'
    return (
        f'[rb]? {mark} ({plain} | {escaped}){{0,{TEXT}}} {mark} | "f" {mark} ({opened} | {filled}){{0,{TEXT}}} {mark}'
    )


_NAME, _GAP = "[A-Za-z_] [A-Za-z0-9_]{0,39}", '" "?'
_RULES = {
    "name": _NAME,
    "number": '("0" | [1-9] [0-9]{0,14}) ("_" [0-9] [0-9] [0-9]){0,4} ("." [0-9]{1,12})? ("e" "-"? [1-9] [0-9]?)?',
    "text": f"{_text(chr(34))} | {_text(chr(39))}",
    "given": f'("*" | "**")? expr comp? | name {_GAP} "=" {_GAP} expr',
    "call": f'"(" (given ("," {_GAP} given){{0,{PARTS}}})? ","? ")"',
    "item": '"*"? expr comp?',
    "items": f'item ("," {_GAP} item){{0,{PARTS}}}',
    "pairs": f'expr ":" {_GAP} expr (comp | ("," {_GAP} expr ":" {_GAP} expr){{0,{PARTS}}})',
    "slice": 'expr | expr? ":" expr? (":" expr?)?',
    "atom": 'name | number | text | "(" items? ","? ")" | "[" items? ","? "]" | "{" (pairs | items)? ","? "}"',
    "trailer": f'"." name | call | "[" slice ("," {_GAP} slice){{0,2}} "]"',
    "operand": '("-" | "+" | "~" | "not "){0,2} atom trailer{0,6}',
    "sign": '"+" | "-" | "*" | "**" | "/" | "//" | "%" | "==" | "!=" | "<" | ">" | "<=" | ">=" | "&" | "|" | "^"',
    "between": f'{_GAP} sign {_GAP} | " " ("and" | "or" | "in" | "not in" | "is" | "is not") " "',
    "chain": f"operand (between operand){{0,{PARTS}}}",
    "expr": f'("lambda" (" " name ("," {_GAP} name){{0,4}})? ":" {_GAP})? chain (" if " chain " else " chain)?',
    "names": f'name ("," {_GAP} name){{0,4}} | "(" name ("," {_GAP} name){{1,4}} ")"',
    "comp": '(" for " names " in " chain (" if " chain)?){1,3}',
    "typed": '":" " "? expr',
    "parameter": f'("*" | "**")? name typed? ({_GAP} "=" {_GAP} expr)?',
    "parameters": f'parameter ("," {_GAP} parameter){{0,10}}',
    "dotted": 'name ("." name){0,3}',
    "alias": 'dotted (" as " name)?',
    "assigned": f'{_GAP} ([-+*/%] | "**" | "//")? "=" {_GAP} items',
    "statement": (
        'items (assigned{1,3} | typed assigned?)? | "return" (" " items)? | "pass" | "break" | "continue" '
        '| ("raise" | "assert" | "del" | "global" | "nonlocal" | "yield") " " items '
        '| "import " alias ("," " "? alias){0,4} | "from " dotted " import " ("*" | alias ("," " "? alias){0,9})'
    ),
    "block": (
        '"def " name "(" parameters? ")" (" -> " expr)? | "class " name call? | "for " names " in " items '
        '| ("if" | "elif" | "while") " " expr | "else" | "try" | "finally" | "except" (" " expr (" as " name)?)? '
        '| "with " expr (" as " name)?'
    ),
    "comment": f'"#" [^{_CONTROLS}]{{0,{TEXT}}}',
    "code": 'statement (" "{0,2} comment)? | block ":" (" " statement)? (" "{0,2} comment)? | comment',
}


def code(rules: Rules) -> str:
    """The rule of a program and the end of its fence."""
    rules.include(_RULES)
    return f'code "\\n" (" "{{0,16}} code "\\n" | "\\n"){{0,{LINES - 1}}} "```"'
