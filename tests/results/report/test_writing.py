"""Which file a report becomes, and what happens without the library for PDF."""

from __future__ import annotations

import sys
from importlib import util

import pytest

from brainseg.errors import ConfigError, MissingLibraryError
from brainseg.results.report.content import Report
from brainseg.results.report.writing import check_kind, report_bytes, save_report


def report() -> Report:
    return Report("Report on a test", "PNG", (), "yes", (), ())


def test_the_suffix_decides_and_others_are_refused(tmp_path, monkeypatch):
    for name, start in (("a.pdf", b"%PDF-"), ("b.HTML", b"<!DOCTYPE html>")):
        save_report([report()], tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    for fine in (tmp_path / "a.PDF", tmp_path / "b.html", None):
        check_kind("--report", fine)
    with pytest.raises(ConfigError, match=r"--report must end in \.pdf or \.html, unlike .*c\.docx\."):
        check_kind("--report", tmp_path / "c.docx")


def test_without_reportlab_a_pdf_names_the_extra_and_html_works(monkeypatch, tmp_path):
    found = util.find_spec
    monkeypatch.setattr("brainseg.extras.find_spec", lambda name: None if name == "reportlab" else found(name))
    monkeypatch.delitem(sys.modules, "brainseg.results.report.pdf", raising=False)
    with pytest.raises(MissingLibraryError, match=r"A report as PDF needs reportlab.*brainseg\[report\]"):
        report_bytes([report()], ".pdf")
    with pytest.raises(MissingLibraryError):
        check_kind("--report", tmp_path / "a.pdf")
    assert report_bytes([report()], ".html").startswith(b"<!DOCTYPE html>")
