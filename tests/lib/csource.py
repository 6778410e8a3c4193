# SPDX-License-Identifier: Apache-2.0
"""The tokens of C source, without comments and layout.

It reads text as it is: it expands no macro and evaluates no #if. Besides C it reads languages that have the comments and
literals of C (protobuf, Vala).
"""
import re

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]* | /\*.*?\*/)
  | (?P<space>[^\S\n]+)
  | (?P<newline>\n)
  | (?P<string>(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*" | [uUL]?'(?:[^'\\\n]|\\.)*')
  | (?P<word>[A-Za-z_]\w*)
  | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
  | (?P<operator>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|.)
""", re.VERBOSE | re.DOTALL)


def tokens(text):
    """The tokens as strings. A preprocessor directive ends with the token "\\n"; its include path is one token."""
    text = re.sub(r"\\\r?\n", "", text)
    found, directive, fresh = [], False, True
    position = 0
    while position < len(text):
        if directive and found[-1] in ("include", "import"):
            path = re.compile(r"\s*(<[^>\n]*>)").match(text, position)
            if path:
                found.append(path[1])
                position = path.end()
                continue
        match = TOKEN.match(text, position)
        position = match.end()
        kind = match.lastgroup
        if kind == "newline":
            if directive:
                found.append("\n")
            directive, fresh = False, True
        elif kind not in ("comment", "space"):
            directive = directive or (fresh and match[0] == "#")
            fresh = False
            found.append(match[0])
    if directive:
        found.append("\n")
    return found


class Group(list):
    """The tokens between a pair of parentheses, brackets or braces, as a flat list. `kind` is the opening one."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind


CLOSES = {"(": ")", "{": "}", "[": "]"}


def declarations(text):
    """Yields each declaration and definition of the file's top level: a list of tokens and Groups.

    Directives are left out. A macro without a semicolon is the beginning of the declaration that follows it.
    """
    item, group, depth, source = [], None, 0, iter(tokens(text))
    for token in source:
        if token == "#":
            while next(source, "\n") != "\n":
                pass
        elif group is not None:
            depth += (token == group.kind) - (token == CLOSES[group.kind])
            if depth > 0:
                group.append(token)
                continue
            if group.kind == "{" and is_function(item):
                yield item
                item = []
            group = None
        elif token in CLOSES:
            group, depth = Group(token), 1
            item.append(group)
        elif token == ";":
            yield item
            item = []
        else:
            item.append(token)


def is_function(item):
    """True if the item is the definition of a function with its body."""
    kinds = [part.kind if isinstance(part, Group) else None for part in item]
    return kinds[-2:] == ["(", "{"] and "=" not in item
