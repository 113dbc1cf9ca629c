from __future__ import annotations

import os
from pathlib import Path

import pytest

from brainseg import paths
from brainseg.errors import ConfigError


def test_everything_lies_in_the_projects_artifacts_by_default(monkeypatch):
    monkeypatch.delenv("BRAINSEG_HOME", raising=False)
    assert paths.home() == Path(__file__).resolve().parents[1] / "artifacts"
    monkeypatch.setenv("BRAINSEG_HOME", "")
    assert paths.home() == paths.SOURCE / "artifacts"


def test_home_moves_everything_and_is_made(monkeypatch, tmp_path):
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "deep" / "home"))
    assert paths.home() == tmp_path / "deep" / "home"
    assert paths.subfolder("cache", "prepared") == tmp_path / "deep" / "home" / "cache" / "prepared"
    assert (tmp_path / "deep" / "home" / "cache" / "prepared").is_dir()
    assert paths.subfolder("cache", "prepared").is_dir()  # again, when it exists


def test_home_may_be_written_with_a_tilde_a_link_or_from_where_one_is(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BRAINSEG_HOME", "~/mine")
    assert paths.home() == tmp_path / "mine"
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "link"))
    assert paths.home() == tmp_path / "mine"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRAINSEG_HOME", "here")
    assert paths.home() == tmp_path / "here"


def refuse(monkeypatch: pytest.MonkeyPatch, home: str) -> str:
    monkeypatch.setenv("BRAINSEG_HOME", home)
    with pytest.raises(ConfigError) as caught:
        paths.home()
    text = str(caught.value)
    assert "set BRAINSEG_HOME to a folder that you may write to." in text
    assert "\n" not in text
    return text


def test_home_that_cannot_be_made_is_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "File exists" in refuse(monkeypatch, str(tmp_path / "file"))
    assert "Not a directory" in refuse(monkeypatch, str(tmp_path / "file" / "below"))
    assert "loop" in refuse(monkeypatch, str(tmp_path / "loop"))
    assert "too long" in refuse(monkeypatch, str(tmp_path / ("x" * 300)))
    assert "nobody-by-this-name" in refuse(monkeypatch, "~nobody-by-this-name/home")


@pytest.mark.skipif(os.geteuid() == 0, reason="the system administrator may write anywhere")
def test_home_that_is_read_only_is_one_sentence(monkeypatch, tmp_path):
    (tmp_path / "home").mkdir(mode=0o555)
    assert "read-only" in refuse(monkeypatch, str(tmp_path / "home"))
    assert "Permission denied" in refuse(monkeypatch, str(tmp_path / "home" / "below"))


def test_subfolder_in_the_place_of_a_file_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path))
    (tmp_path / "cache").write_text("")
    for parts in (("cache",), ("cache", "prepared")):
        with pytest.raises(ConfigError, match="Cannot create the folder"):
            paths.subfolder(*parts)


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(home: Path) -> None:
    first = paths.secret()
    assert len(first) == 32
    assert paths.secret() == first
    assert (home / "secret").stat().st_mode & 0o777 == 0o600
