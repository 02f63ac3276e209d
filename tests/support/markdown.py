"""Markdown files as the tests of the documentation see them: code blocks, headings, links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
#: The README's links are absolute, because PyPI shows it too.
HOME: Final = "https://github.com/article-stream/article-stream/blob/main/"
RAW_HOME: Final = "https://raw.githubusercontent.com/article-stream/article-stream/main/"

_BLOCK: Final = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_INDENTED: Final = re.compile(r"(?:\A|\n)\n((?: {4}.*\n)+)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_CODE: Final = re.compile(r"`([^`\n]+)`")
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)|^\[[\w-]+\]: (\S+)$|\]\[([\w-]+)\]", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced code block; ``kind`` is the word after its language, such as ``kafka`` in ``sh kafka``."""

    language: str
    kind: str
    text: str


@dataclass(frozen=True)
class Document:
    """One Markdown file of the project."""

    path: Path

    @property
    def name(self) -> str:
        """Its path in the project."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """All of it."""
        return _read(self.path)

    @property
    def prose(self) -> str:
        """The text without its code blocks."""
        return _INDENTED.sub("\n", _BLOCK.sub("", self.text))

    @property
    def blocks(self) -> list[Block]:
        """The code blocks in order."""
        infos = ((info.partition(" "), text) for info, text in _BLOCK.findall(self.text))
        return [Block(language, kind, text) for (language, _, kind), text in infos]

    @property
    def code(self) -> list[str]:
        """What is set as code in the prose."""
        return _CODE.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """The names under which its headings are linked, as GitHub makes them."""
        counts: Counter[str] = Counter()
        anchors = set()
        for heading in _HEADING.findall(_BLOCK.sub("", self.text)):
            plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
            name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            anchors.add(f"{name}-{counts[name]}" if counts[name] else name)
            counts[name] += 1
        return anchors

    def links(self) -> Iterator[str]:
        """Every target that it links to."""
        definitions = dict(re.findall(r"^\[([\w-]+)\]: (\S+)$", self.text, re.MULTILINE))
        for inline, defined, reference in _LINK.findall(_CODE.sub("", self.prose)):
            yield inline or defined or definitions[reference]


@cache
def _read(path: Path) -> str:
    return path.read_text("utf-8")


def documents() -> list[Document]:
    """Every Markdown file of the project, environments and caches apart."""
    folders = ("docs", "deploy", "tests", "tools", "benchmarks", "scripts")
    paths = [*ROOT.glob("*.md"), *(path for folder in folders for path in (ROOT / folder).rglob("*.md"))]
    return [Document(path) for path in sorted(paths)]


def document(name: str) -> Document:
    """The document at the path ``name`` in the project."""
    return Document(ROOT / name)
