"""Files of every kind as raw messages."""

from __future__ import annotations

import gzip
import io
import sys
from pathlib import Path

import orjson
import pytest

from stream.cli import input_files
from stream.cli.input_files import InputError, InputFile, RawMessage, expand_paths, read_messages


def values(*paths: Path | str) -> list[bytes]:
    """Return the messages in the files."""
    return [message.value for message in read_messages(expand_paths([str(path) for path in paths]))]


def write_file(folder: Path, name: str, content: bytes) -> Path:
    """Return a new file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"id":1}\n{"id":2}\n', [b'{"id":1}', b'{"id":2}']),
        (b'{"id":1}\n{"id":2}', [b'{"id":1}', b'{"id":2}']),
        (b'\n\r\n{"id":1}\r\n \t\n\n{"id":2}\n\n', [b'{"id":1}', b'{"id":2}']),
        (b"not json\n\xff\xfe\n", [b"not json", b"\xff\xfe"]),
        (b"", []),
        (b"\n\n", []),
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a", "a.JSONL", "a.jsonl.gz", "a.gz"])
def test_a_line_is_a_message(tmp_path: Path, name: str, content: bytes, expected: list[bytes]) -> None:
    assert values(write_file(tmp_path, name, content)) == expected


@pytest.mark.parametrize("name", ["a.json", "a.JSON", "a.json.gz"])
def test_a_json_file_is_one_message(tmp_path: Path, name: str) -> None:
    content = b'[\n {"id": 1},\n {"id": 2}\n]\n'
    assert values(write_file(tmp_path, name, content)) == [content]


@pytest.mark.parametrize(
    ("name", "field"), [("a.txt", "text"), ("a.html", "html"), ("a.htm", "html"), ("a.txt.gz", "text")]
)
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_texts_and_pages_are_known_by_their_file_name(tmp_path: Path, name: str, field: str, bom: bytes) -> None:
    path = write_file(tmp_path, name, bom + "خبر\nأول".encode())
    assert [orjson.loads(value) for value in values(path)] == [{"id": path.name, field: "خبر\nأول"}]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('<link rel="canonical" href="https://news.example/garden?utm_source=x">', "https://news.example/garden"),
        ('<meta property="og:url" content="https://news.example/قصة">', "https://news.example/%D9%82%D8%B5%D8%A9"),
        ('<link rel="canonical" href="https://news.example/">', "may/a.html"),
        ('<link rel="canonical" href="/ar/">', "may/a.html"),
        ("", "may/a.html"),
    ],
)
def test_the_id_of_a_page_is_its_own_url_or_its_path_in_the_folder(tmp_path: Path, head: str, expected: str) -> None:
    write_file(tmp_path, "may/a.html", f"<html><head>{head}</head><p>The garden opened.</html>".encode())
    assert [orjson.loads(value)["id"] for value in values(tmp_path)] == [expected]


def test_two_texts_with_the_same_id_are_refused(tmp_path: Path) -> None:
    files = [write_file(tmp_path, f"{folder}/a.txt", b"text") for folder in ("may", "june")]
    with pytest.raises(InputError, match=r"would both have the id a\.txt; give the folder"):
        values(*files)
    assert [orjson.loads(value)["id"] for value in values(tmp_path)] == ["june/a.txt", "may/a.txt"]
    assert len(values(files[0], files[0])) == 2


def test_pages_of_the_same_name_are_told_apart_by_their_own_urls(tmp_path: Path) -> None:
    pages = [
        write_file(tmp_path, f"{name}/a.html", f'<link rel="canonical" href="https://n.example/{name}"><p>A'.encode())
        for name in ("may", "june")
    ]
    ids = [orjson.loads(value)["id"] for value in values(*pages)]
    assert ids == ["https://n.example/may", "https://n.example/june"]


def test_an_empty_text_is_an_empty_message(tmp_path: Path) -> None:
    assert values(write_file(tmp_path, "a.txt", b" \n")) == [b""]


def test_text_in_another_encoding_is_handed_on_to_be_rejected(tmp_path: Path) -> None:
    content = "خبر".encode("windows-1256")
    assert values(write_file(tmp_path, "a.txt", content)) == [content]


def test_a_path_that_is_no_utf8_still_names_its_text(tmp_path: Path) -> None:
    path = write_file(tmp_path, "a\udcff.txt", b"t")
    assert orjson.loads(values(path)[0])["id"].endswith("a?.txt")


def test_stdin_is_read_as_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    class Standard:
        buffer = io.BytesIO(b'{"id":1}\n\n{"id":2}')

    monkeypatch.setattr(sys, "stdin", Standard)
    assert expand_paths(["-"]) == [InputFile("-", "-")]
    assert list(read_messages(expand_paths(["-"]))) == [
        RawMessage(b'{"id":1}', "-", 1, 9),
        RawMessage(b'{"id":2}', "-", 3, 18),
    ]


def test_files_follow_each_other(tmp_path: Path) -> None:
    assert values(write_file(tmp_path, "b.jsonl", b"1"), write_file(tmp_path, "a.json.gz", b"2")) == [b"1", b"2"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.json.gz", "a.txt.gz"])
def test_progress_ends_at_the_size_of_the_file(tmp_path: Path, name: str) -> None:
    path = write_file(tmp_path, name, b'{"id":1}\n' * 1000)
    progress = [message.bytes_read for message in read_messages(expand_paths([str(path)]))]
    assert progress == sorted(progress)
    assert progress[-1] == path.stat().st_size


def test_a_folder_gives_its_known_files_in_name_order(tmp_path: Path) -> None:
    names = ["b.jsonl", "a/z.txt", "c.html.gz", "a/b.json"]
    files = [str(write_file(tmp_path, name, b"x")) for name in names]
    for ignored_name in ("notes.md", "image.png", "README", "x.gz"):
        write_file(tmp_path, ignored_name, b"x")
    assert expand_paths([str(tmp_path)]) == [
        InputFile(path, Path(path).relative_to(tmp_path).as_posix()) for path in sorted(files)
    ]


@pytest.mark.parametrize("name", ["missing.jsonl", "missing/"])
def test_a_missing_path_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        expand_paths([str(tmp_path / name)])


def test_a_folder_without_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.jsonl"):
        expand_paths([str(tmp_path)])


def test_a_file_that_vanished_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.jsonl: .*No such file"):
        list(read_messages([InputFile(str(tmp_path / "a.jsonl"), "a.jsonl")]))


def damaged_in_the_middle(packed: bytes) -> bytes:
    """Return other bytes with the same header and length."""
    return packed[:40] + b"\xff" * 40 + packed[80:]


@pytest.mark.parametrize(
    "damage", [lambda packed: packed[:-20], damaged_in_the_middle, lambda _: b"no gzip", lambda _: b"\x1f"]
)
@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.txt.gz"])
def test_a_damaged_gzip_file_is_named(tmp_path: Path, name: str, damage: object) -> None:
    packed = gzip.compress(b"".join(b'{"id":"%d"}\n' % number for number in range(20_000)))
    path = tmp_path / name
    path.write_bytes(damage(packed))  # type: ignore[operator] # a function, of many kinds
    with pytest.raises(InputError, match=r"a\..*gz: "):
        values(path)


def test_what_is_longer_than_any_message_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_files, "MESSAGE_BYTES_MAX", 100)
    assert [len(value) for value in values(write_file(tmp_path, "a.jsonl", b"x" * 250))] == [100, 100, 50]
    assert [len(value) for value in values(write_file(tmp_path, "a.json.gz", b"x" * 250))] == [100]
