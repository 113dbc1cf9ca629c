"""Everything that pages can reach and that changes something asks the policy, or is named here with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.conftest import PROJECT_ROOT

ROOT = PROJECT_ROOT / "brainseg"
GUARDS = {"acting", "asks", "asks_about_run", "check", "_acting"}
WRITES = {
    # files
    "write_json", "write_atomically", "folder_in_one_step", "rmtree", "unlink", "write_text", "write_bytes",
    "to_parquet", "delete_folder", "full_disk_as_disk_error",
    # the run store, through MLflow's client
    "create_run", "update_run", "set_terminated", "delete_run", "log_batch", "delete_tag", "add_file", "add_folder",
    # the log of answers, and processes
    "executemany", "Popen",
}  # fmt: skip
METHODS = {
    "brainseg.runs.store": ("RunStore", ("store", "store()", "opened")),
    "brainseg.reading.session": ("ReaderSession", ("session",)),
    "brainseg.reading.log": ("StudyLog", ("_log", "study_log(study)")),
    "brainseg.jobs.workspace": ("Workspace", ("workspace", "Workspace(run.id)", "Workspace(child.id)")),
}
"""Module -> a class of it, and how the code ends that stands for an object of it."""
FREE = {
    "reconcile": "records what has ended already, for whoever looks first",
    "settled": "computes what a finished cross-validation lacks, for whoever looks first",
    "ensure_worker": "starts the worker for runs that were allowed",
    "inspect_known_dataset": "counts the images of a dataset that is there",
    "read_dataset": "keeps what was read of a dataset that is there",
    "log_answers": "logs an answer that was allowed",
    "cache_dataset": "keeps what was read of a dataset that is there",
    "store_pooled": "computes what a finished cross-validation lacks, for whoever looks first",
}
"""What changes something without asking, and why that is nobody's action."""
Function = tuple[str, str]
"""A module, and the name of a function in it, or of a method as Class.method."""


@cache
def tree_of(module: str) -> ast.Module | None:
    place = ROOT.parent / module.replace(".", "/")
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return ast.parse(file.read_text("utf-8"))
    return None


@cache
def names_in(module: str) -> dict[str, tuple[str, str]]:
    """Return what each imported name of a module stands for: a module and a name in it; "" for a module itself."""
    found = {}
    for node in ast.walk(tree_of(module) or ast.Module([], [])):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("brainseg"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found[alias.asname or alias.name] = (inner, "") if tree_of(inner) else (node.module, alias.name)
    return found


@cache
def functions(module: str) -> dict[str, ast.FunctionDef]:
    found = {}
    for node in (tree_of(module) or ast.Module([], [])).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}": each for each in node.body if isinstance(each, ast.FunctionDef)}
    return found


def called(module: str, function: ast.AST) -> Iterator[Function]:
    """Give the functions that code mentions, whether it calls them or passes them on."""
    names = names_in(module)
    own = next((kind for other, (kind, _) in METHODS.items() if other == module), "")
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            yield names.get(node.id, (module, node.id))
        elif isinstance(node, ast.Attribute):
            known = names.get(node.value.id) if isinstance(node.value, ast.Name) else None
            if known and not known[1]:
                yield known[0], node.attr
                continue
            text = ast.unparse(node.value)
            if text == "self" and own:
                yield module, f"{own}.{node.attr}"
            for other, (kind, endings) in METHODS.items():
                if text.endswith(endings):
                    yield other, f"{kind}.{node.attr}"


def words(function: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(function) if isinstance(node, ast.Name)} | {
        node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)
    }


@cache
def resolved(found: Function) -> Function:
    """Follow a name to the module that defines it: some modules only pass names on."""
    module, name = found
    while name not in functions(module) and name in names_in(module):
        module, name = names_in(module)[name]
    return module, name


@cache
def onward() -> dict[Function, Function | None]:
    """Return each function from which a write is reached that no guard covers, and the next one on the way to it."""
    rooms = (file for file in ROOT.rglob("*.py") if file.relative_to(ROOT).parts[0] not in ("app", "cli", "users"))
    users: dict[Function, list[Function]] = {}
    found: dict[Function, Function | None] = {}
    for file in rooms:
        module = ".".join(file.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
        for name, function in functions(module).items():
            mentioned = words(function)
            if mentioned & GUARDS or name in FREE:
                continue
            if mentioned & WRITES:
                found[module, name] = None
            for other in set(map(resolved, called(module, function))):
                users.setdefault(other, []).append((module, name))
    waiting = list(found)
    while waiting:
        other = waiting.pop()
        for user in users.get(other, ()):
            if user not in found:
                found[user] = other
                waiting.append(user)
    return found


def unguarded_write(found: Function) -> tuple[Function, ...]:
    """Return a way from a function to a write that no guard covers; empty if there is none."""
    way, step = [], resolved(found)
    while step in onward():
        way.append(step)
        if (after := onward()[step]) is None:
            break
        step = after
    return tuple(way)


def reached() -> dict[Function, str]:
    """Return the functions of other rooms that a page mentions, each with a module that does."""
    found: dict[Function, str] = {}
    for file in sorted((ROOT / "app").rglob("*.py")):
        if file.name == "serving.py":  # what starts the server, before anybody visits it
            continue
        module = ".".join(file.relative_to(ROOT.parent).with_suffix("").parts)
        for each in called(module, tree_of(module) or ast.Module([], [])):
            other = resolved(each)
            if other[1] in functions(other[0]) and not other[0].startswith(("brainseg.app", "brainseg.users")):
                found[other] = module
    return found


def test_whatever_pages_reach_and_changes_something_asks_the_policy() -> None:
    ways = {each: way for each in reached() if (way := unguarded_write(each))}
    listed = [" > ".join(name for _, name in way) + f" (from {reached()[each]})" for each, way in ways.items()]
    assert not listed, "These ask nobody; guard them with users.policy, or say in FREE why they need no guard:\n" + (
        "\n".join(listed)
    )


def test_the_search_finds_what_has_no_guard() -> None:
    found = reached()
    for name in ("request_cancel", "delete", "resubmit", "retry"):
        assert ("brainseg.jobs.actions", name) in found
    assert ("brainseg.runs.store", "RunStore.promote") in found
    assert unguarded_write(("brainseg.jobs.removal", "delete"))  # what the guarded `actions.delete` calls
    assert unguarded_write(("brainseg.runs.store", "RunStore.delete"))
    assert unguarded_write(("brainseg.datasets.folders", "read_folder"))
    assert not unguarded_write(("brainseg.datasets.folders", "add_folder"))


def test_every_part_of_a_page_that_updates_itself_looks_who_is_there() -> None:
    """A fragment runs without the page around it, and so without its gate."""
    bare = []
    for file in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            decorators = [ast.unparse(each) for each in getattr(node, "decorator_list", ())]
            if any(each.startswith("st.fragment") for each in decorators) and "guarded" not in decorators:
                bare.append(f"{file.name}: {node.name}")
    assert bare == ["address.py: copy_link"]  # it shows the address that the browser has


def test_every_download_that_is_made_later_looks_who_asks() -> None:
    """Streamlit makes such a file in a thread without a session, for whichever session names it."""
    for file in sorted((ROOT / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("download_button"):
                data = ast.unparse(node.args[1])
                assert data.startswith("later(") or data == "text.encode()", f"{file}: {data}"


def test_pages_know_only_functions_that_are_there() -> None:
    assert all(Path(ROOT.parent / module.replace(".", "/")).with_suffix(".py").is_file() for module in METHODS)
    assert all(kind in {name.split(".")[0] for name in functions(module)} for module, (kind, _) in METHODS.items())
