"""Roles, rights, and the sentences for who may not do something."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from brainseg.errors import AccessError, ConfigError
from brainseg.users import audit
from brainseg.users.actor import NOBODY, ROLES, UNOWNED, Actor, Owner, acting_as, current
from brainseg.users.identity import actor_of, display_name, end_visit
from brainseg.users.policy import RIGHTS, Act, acting, check, may, refusal
from brainseg.users.roles import Roles, roles

ANNA, BERT = Owner("s-anna", "Anna"), Owner("s-bert", "Bert")


def person(role: str, owner: Owner = ANNA) -> Actor:
    return Actor(role, "page", owner, True, "the imaging team")


def test_every_act_has_rights_and_each_role_has_those_of_the_one_below() -> None:
    assert set(RIGHTS) == set(Act)
    for act in Act:
        allowed = [may(act, person(role)) for role in ROLES]
        assert allowed == sorted(allowed)
        assert not may(act, NOBODY)
        assert may(act, person("admin"), BERT)


def test_viewers_look_trainers_do_and_administrators_decide() -> None:
    viewer, trainer = person("viewer"), person("trainer")
    assert {act for act in Act if may(act, viewer)} == {Act.LOOK, Act.DIAGNOSE, Act.READ, Act.EXPORT}
    own = {Act.CANCEL, Act.RESUME, Act.DELETE_RUN, Act.CALIBRATE, Act.THRESHOLD, Act.CHANGE_DATASET}
    assert all(may(act, trainer, ANNA) and not may(act, trainer, BERT) for act in own)
    assert not any(may(act, trainer, UNOWNED) for act in own)  # earlier runs belong to administrators
    assert not any(may(act, trainer, ANNA) for act in (Act.PROMOTE, Act.REMOVE_DATASET, Act.ADD_FOLDER, Act.SEE_AUDIT))
    assert refusal(Act.TRAIN, viewer) == (
        "Viewers cannot train: ask the imaging team to do it, or for the role of a trainer."
    )
    assert refusal(Act.DELETE_RUN, trainer) == (
        "You can delete runs only if they are your own: ask the imaging team to do it."
    )
    assert refusal(Act.LOOK, NOBODY) == "Only people who have signed in can see pages: sign in first."
    assert refusal(Act.PROMOTE, trainer).endswith("or for the role of an administrator.")


@pytest.mark.parametrize(
    ("claims", "role"),
    [
        ({"sub": "1", "email": "Ada@Example.org"}, "admin"),
        ({"sub": "1", "email": "ada@example.org", "email_verified": False}, "viewer"),
        ({"sub": "7"}, "trainer"),
        ({"sub": "1", "groups": ["radiology", 5]}, "trainer"),
        ({"sub": "1", "groups": "radiology"}, "trainer"),
        ({"sub": "ada@example.org"}, "viewer"),
        ({"email": ["ada@example.org"], "groups": {"radiology": 1}}, "viewer"),
    ],
)
def test_a_role_follows_from_email_subject_and_groups(claims: dict[str, object], role: str) -> None:
    known = Roles.model_validate(
        {
            "default": "viewer",
            "emails": {"ada@example.org": "admin"},
            "subjects": {7: "trainer"},
            "groups": {"radiology": "trainer"},
        }
    )
    assert known.role_of(claims) == role


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("emails: {a@b.c: boss}", "wrong entry, emails.a@b.c"),
        ("email: {a@b.c: admin}", "wrong entry, email"),
        ("- 1", "wrong entry"),
        ("{", "cannot be read as YAML"),
        ("!!python/object/apply:os.system [ls]", "cannot be read as YAML"),
    ],
)
def test_a_damaged_list_of_roles_is_named(home: Path, text: str, words: str) -> None:
    (home / "roles.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=words):
        roles()


def test_roles_are_read_again_when_the_file_changes(home: Path, tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(ConfigError, match="Nobody has a role yet"):
        roles()
    other = tmp_path / "other.yaml"
    other.write_text("default: viewer", "utf-8")
    monkeypatch.setenv("BRAINSEG_ROLES", str(other))
    assert roles().default == "viewer"
    other.write_text("default: trainer", "utf-8")
    assert roles().default == "trainer"


def test_a_visit_ends_by_signing_out_or_by_time(home: Path, monkeypatch) -> None:
    (home / "roles.yaml").write_text("default: viewer", "utf-8")
    claims = {"iss": "x", "sub": "7", "iat": time.time(), "nonce": "a", "name": "Ada"}
    assert actor_of(claims).owner == Owner("7", "Ada")
    end_visit(claims)
    assert actor_of(claims) == NOBODY
    assert actor_of({**claims, "nonce": "b"}).role == "viewer"  # another visit of the same person
    for wrong in ({"iat": time.time() - 13 * 3600}, {"iat": time.time() + 3600}, {"iat": "now"}, {"sub": ""}):
        assert actor_of({**claims, "nonce": "b", **wrong}) == NOBODY
    monkeypatch.setenv("BRAINSEG_SIGN_IN_HOURS", "14")
    assert actor_of({**claims, "nonce": "b", "iat": time.time() - 13 * 3600}).role == "viewer"


def test_names_hold_no_address() -> None:
    assert display_name({"sub": "7", "name": "ada@example.org"}) == "ada"
    assert display_name({"sub": "7", "name": "A\u202e\n B"}) == "A B"
    assert display_name({"sub": "7"}).startswith("user ")


def test_what_was_done_is_written_once_with_its_result(home: Path) -> None:
    with acting_as(person("trainer")):
        assert current().owner == ANNA
        with acting(Act.TRAIN) as asked:
            asked.target = "abc"
            check(Act.UPLOAD)
            with acting(Act.ADD_DATASET):  # a part of the training leaves no line of its own
                pass
        with pytest.raises(AccessError, match="only if they are your own"), acting(Act.DELETE_RUN, "def", BERT):
            raise AssertionError
        with pytest.raises(ValueError, match="damaged"), acting(Act.CANCEL, "ghi", ANNA, 3):
            raise ValueError("damaged")
    found = [(each.action, each.result, each.target, each.count, each.user) for each in audit.entries()]
    assert found == [
        ("train", "allowed", "abc", None, "s-anna"),
        ("delete run", "refused", "def", None, "s-anna"),
        ("cancel", "failed", "ghi", 3, "s-anna"),
    ]
    with (home / audit.FILE).open("a") as stream:
        stream.write('{"torn')
    audit.write("train", "allowed")
    assert [each.action for each in audit.entries()][-1] == "train"
    assert [each.action for each in audit.entries(user="ANNA")] == ["train", "delete run", "cancel"]
