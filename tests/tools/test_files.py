"""Attachments: real files of every kind, and hostile ones."""

from __future__ import annotations

import io
import random
import time
import zipfile

import docx
import openpyxl
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from safelight.errors import BadFile
from safelight.tools.files import MAX_FILE_BYTES, document_kind, read_document


def pdf(*pages: str, title: str = "", password: str = "") -> bytes:
    """A PDF with one line of Helvetica a page."""
    writer = pypdf.PdfWriter()
    for text in pages:
        page = writer.add_blank_page(300, 200)
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
            }
        )
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F"): font})}
        )
        content = DecodedStreamObject()
        content.set_data(f"BT /F 12 Tf 20 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(content)
    if title:
        writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(password, algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def word(*paragraphs: str, title: str = "") -> bytes:
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    table = document.add_table(2, 2)
    for number, text in enumerate(("Year", "Doses", "2020", "3")):
        table.cell(number // 2, number % 2).text = text
    document.core_properties.title = title
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def sheet(rows: list[list[object]], **sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, more in sheets.items():
        added = book.create_sheet(name)
        for row in more:
            added.append(row)
        if name == "hidden":
            added.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(data: bytes, part: str, change: bytes | None) -> bytes:
    """An archive with one part replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename != part:
                new.writestr(entry.filename, old.read(entry))
        if change is not None:
            new.writestr(part, change)
    return out.getvalue()


def test_pdf_pages_title_and_separators() -> None:
    document = read_document(pdf("Made from a virus", "Then purified", title="Vaccines"), "a.pdf")
    assert document.title == "Vaccines"
    assert document.text == "Made from a virus\fThen purified"
    assert document.media_type == "application/pdf"
    assert not document.truncated
    assert read_document(pdf("x"), "folder/named.pdf").title == "named.pdf"


def test_docx_text_and_tables_in_reading_order() -> None:
    document = read_document(word("First ワクチン", "Second", title="Vaccines"), "wrong-name.pdf")
    assert document.title == "Vaccines"
    assert document.text == "First ワクチン\n\nSecond\n\nYear | Doses\n2020 | 3"
    assert document.tables == ((("Year", "Doses"), ("2020", "3")),)


def test_xlsx_sheets_become_tables_and_hidden_ones_do_not() -> None:
    data = sheet([["Year", "Doses"], [2020, 3.0], [2021, 4.5]], more=[["a", True]], hidden=[["secret"]])
    document = read_document(data, "book.xlsx")
    assert document.tables == ((("Year", "Doses"), ("2020", "3"), ("2021", "4.5")), (("a", "True"),))
    assert "secret" not in document.text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["data.csv", "data", ""])
def test_csv_delimiters_are_found(delimiter: str, name: str) -> None:
    text = (
        "\n".join(delimiter.join(row) for row in (["Jahr", "Wert"], ["2020", '"1\n2"'], ["2021", "3"], ["2022", "ü"]))
        + "\n"
    )
    if name != "data.csv":
        text = text.replace('"1\n2"', "12")
    document = read_document(text.encode("cp1252"), name)
    assert document.media_type == "text/csv"
    assert document.tables[0][0] == ("Jahr", "Wert")
    assert document.tables[0][3] == ("2022", "ü")
    assert all(isinstance(cell, str) for row in document.tables[0] for cell in row)


def test_prose_with_commas_is_no_table() -> None:
    text = "First, there was light.\nThen, after a while, came color.\nLast, nothing."
    assert read_document(text.encode(), "a.txt").media_type == "text/plain"


def test_markdown_stays_readable_and_its_tables_are_taken() -> None:
    document = read_document(b"# Vaccines\n\nText.\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n", "a.md")
    assert (document.title, document.tables) == ("Vaccines", ((("a", "b"), ("1", "2")),))
    assert document.text.startswith("# Vaccines")


def test_html_and_plain_text() -> None:
    assert read_document(b"<!doctype html><p>" + b"Some words here. " * 20, "a.txt").media_type == "text/html"
    assert read_document("Größe".encode("utf-16"), "a.txt").text == "Größe"


def image(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (9, 9)).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "a.txt", "empty"),
        (b" \n\x00", "a.txt", "empty"),
        (b"a" * (MAX_FILE_BYTES + 1), "a.txt", "at most 30 MB"),
        (image("PNG"), "a.pdf", "is an image"),
        (image("BMP"), "a.txt", "is an image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.doc", "old Office file or is protected"),
        (b"{\\rtf1 hello}", "a.rtf", "RTF"),
        (b"\x7fELF" + bytes(200), "a.txt", "no document"),
        (b"PK\x03\x04" + bytes(50), "a.docx", "damaged"),
        (b"%PDF-1.7\n", "a.pdf", "damaged"),
        (pdf("secret", password="p"), "a.pdf", "password"),
        (pdf(""), "a.pdf", "scanned"),
        (repacked(sheet([["x"]]), "xl/workbook.xml", None), "a.xlsx", "ZIP archives"),
        (repacked(sheet([[None]]), "x", b""), "a.xlsx", "no values"),
        (repacked(word("x"), "word/document.xml", b"<broken"), "a.docx", "damaged"),
        (b",,,,\n,,,,", "a.csv", "empty"),
    ],
)
def test_what_cannot_be_read_is_refused_in_clear_words(data: bytes, name: str, words: str) -> None:
    with pytest.raises(BadFile, match=words):
        read_document(data, name)


def zipped(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "' + b"a" * 100 + b'"><!ENTITY b "' + b"&a;" * 100 + b'">]>'


@pytest.mark.parametrize("part", ["word/document.xml", "[Content_Types].xml", "word/_rels/document.xml.rels"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entity_attacks_are_refused_before_any_parser_runs(part: str, encoding: str) -> None:
    hostile = repacked(word("x"), part, (ENTITIES + b"<x>&b;</x>").decode().encode(encoding))
    with pytest.raises(BadFile, match="document type"):
        read_document(hostile, "a.docx")


def test_an_external_entity_reads_no_file(tmp_path: object) -> None:
    hostile = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><worksheet>&f;</worksheet>'
    with pytest.raises(BadFile, match="document type"):
        read_document(repacked(sheet([["x"]]), "xl/worksheets/sheet1.xml", hostile), "a.xlsx")


@pytest.mark.parametrize("office", ["docx", "xlsx"])
def test_zip_bombs_are_measured_and_not_unpacked(office: str) -> None:
    base, part = (word("x"), "word/media/a.bin") if office == "docx" else (sheet([["x"]]), "xl/media/a.bin")
    start = time.process_time()
    with pytest.raises(BadFile, match="unpacks to"):
        read_document(repacked(base, part, bytes(150_000_000)), "a")
    with pytest.raises(BadFile, match="MB of text"):
        read_document(repacked(base, part.replace(".bin", ".xml"), b" " * 50_000_000), "a")
    many = zipped(word__document_xml=b"x", **{f"part{number}": b"" for number in range(2_100)})
    with pytest.raises(BadFile, match="unpacks to"):
        read_document(many, "a")
    assert time.process_time() - start < 8


def test_an_archive_that_lies_about_its_size_gives_no_more_than_it_declared() -> None:
    data = bytearray(repacked(word("x"), "word/document.xml", b"<a>" + b"b" * 5_000_000 + b"</a>"))
    true_size = (5_000_007).to_bytes(4, "little")
    while (at := data.find(true_size)) >= 0:
        data[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(BadFile):
        read_document(bytes(data), "a.docx")


def test_a_sheet_that_claims_a_million_rows_is_bounded() -> None:
    rows = b"".join(
        b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (number, number) for number in range(1, 1_048_576, 997)
    )
    namespace = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    hostile = b'<worksheet xmlns="%s"><dimension ref="A1:XFD1048576"/><sheetData>' % namespace
    data = repacked(sheet([["x"]]), "xl/worksheets/sheet1.xml", hostile + rows + b"</sheetData></worksheet>")
    start = time.process_time()
    try:
        document = read_document(data, "a.xlsx")
        assert len(document.tables[0]) <= 500
    except BadFile:
        pass
    assert time.process_time() - start < 8


def test_long_documents_are_cut_and_say_so() -> None:
    assert read_document(b"word " * 200_000, "a.txt").truncated
    assert len(read_document(b"word " * 200_000, "a.txt").text) <= 400_000
    table = read_document(b"a,b\n" * 5_000, "a.csv")
    assert table.truncated
    assert len(table.tables[0]) == 500
    assert read_document(word(*["word " * 2_000] * 50), "a.docx").truncated
    pages = read_document(pdf(*["page"] * 205), "a.pdf")
    assert pages.truncated
    assert pages.text.count("\f") == 199


def test_names_are_hints_and_never_paths() -> None:
    assert read_document(b"hello", "..\\..\\etc/pass\x00wd\u202e.txt").title == "passwd.txt"
    assert document_kind(b"hello", "/etc/x.md") == "text/markdown"


@pytest.mark.parametrize("kind", ["pdf", "docx", "xlsx"])
def test_mutated_files_are_read_or_refused(kind: str) -> None:
    source = random.Random(kind)
    original = {"pdf": pdf("Hello", "World"), "docx": word("Hello"), "xlsx": sheet([["a", 1]])}[kind]
    for _ in range(60):
        data = bytearray(original)
        for _ in range(source.choice((1, 3, 10))):
            at = source.randrange(len(data))
            if source.random() < 0.7:
                data[at] = source.randrange(256)
            else:
                del data[at : at + source.randrange(1, 60)]
        try:
            read_document(bytes(data), f"a.{kind}")
        except BadFile:
            continue


@given(st.binary(max_size=300), st.sampled_from(["", "a.csv", "a.md", "a.txt", "a.pdf"]))
@settings(deadline=None, max_examples=200)
def test_any_bytes_are_read_or_refused(data: bytes, name: str) -> None:
    for start in (b"", b"%PDF-1.4\n", b"PK\x03\x04", b"a,b\n"):
        try:
            document = read_document(start + data, name)
        except BadFile:
            continue
        document.model_dump_json()
