"""Nothing in the product reads or writes pickles: a model or data file must never be able to run code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    file.relative_to(ROOT).as_posix()
    for file in [*(ROOT / "brainseg").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "streamlit_app.py"]
    if file.is_file()
)

PICKLERS = {
    "pickle",
    "_pickle",
    "pickle5",
    "cPickle",
    "cloudpickle",
    "dill",
    "joblib",
    "shelve",
    "marshal",
    "jsonpickle",
}
FORBIDDEN = {
    "fastai": {"load_learner", "load_pickle", "save_pickle"},
    "torch": {"save"},
    "pandas": {"read_pickle", "to_pickle"},
    "yaml": {"unsafe_load", "unsafe_load_all", "full_load", "full_load_all", "UnsafeLoader", "FullLoader", "Loader"},
}
EVERYWHERE = {"load_learner", "load_pickle", "read_pickle", "to_pickle", "unsafe_load", "full_load", "UnsafeLoader"}
SAFE_YAML = {"SafeLoader", "CSafeLoader"}


class Finder(ast.NodeVisitor):
    """Collects what is forbidden in one module, as `line: what`."""

    def __init__(self, tree: ast.AST) -> None:
        self.found: list[str] = []
        self.names = dict(_imported_names(tree))
        self.visit(tree)

    def add(self, node: ast.AST, what: str) -> None:
        self.found.append(f"{node.lineno}: {what}")

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if set(alias.name.split(".")) & PICKLERS:
                self.add(node, f"import {alias.name}")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        top = module.split(".")[0]
        for alias in node.names:
            if {*module.split("."), alias.name} & PICKLERS or alias.name in FORBIDDEN.get(top, set()) | EVERYWHERE:
                self.add(node, f"from {module} import {alias.name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        top, _, name = self.full_name(node).rpartition(".")
        if name in EVERYWHERE or name in FORBIDDEN.get(top.split(".")[0], set()):
            self.add(node, ast.unparse(node))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name, options = self.full_name(node.func), {keyword.arg: keyword.value for keyword in node.keywords}
        if name.endswith(("import_module", "__import__")) and node.args and _constant(node.args[0]) in PICKLERS:
            self.add(node, ast.unparse(node))
        if name == "torch.load" and _constant(options.get("weights_only")) is not True:
            self.add(node, "torch.load without weights_only=True")
        if name.startswith("numpy.") and _constant(options.get("allow_pickle", ast.Constant(False))) is not False:
            self.add(node, "allow_pickle")
        if name in ("numpy.load", "numpy.save") and len(node.args) > 2:
            self.add(node, "allow_pickle by position")
        if name in ("yaml.load", "yaml.load_all") and not self.loads_safely(node, options):
            self.add(node, f"{name} without SafeLoader")
        self.generic_visit(node)

    def loads_safely(self, node: ast.Call, options: dict[str | None, ast.expr]) -> bool:
        loader = options.get("Loader", node.args[1] if len(node.args) > 1 else None)
        return loader is not None and self.full_name(loader).rpartition(".")[2] in SAFE_YAML

    def full_name(self, node: ast.AST) -> str:
        """Return a dotted name with its first part as it was imported: `np.load` is `numpy.load`."""
        if isinstance(node, ast.Attribute):
            return f"{self.full_name(node.value)}.{node.attr}"
        return self.names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def _constant(node: ast.AST | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _imported_names(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)


def forbidden(source: str) -> list[str]:
    return Finder(ast.parse(source)).found


def test_modules_are_free_of_pickle():
    found = {module: forbidden((ROOT / module).read_text("utf-8")) for module in MODULES}
    assert {module: lines for module, lines in found.items() if lines} == {}


def test_the_whole_product_is_looked_at():
    assert {"brainseg/models/weights.py", "brainseg/preparation/cache.py", "brainseg/__main__.py"} <= set(MODULES)
    assert len(MODULES) > 60


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "import os, joblib",
        "import torch.utils.data, cloudpickle.cloudpickle",
        "from pickle import loads",
        "from dill import load",
        "from torch.serialization import pickle",
        "from sklearn.externals import joblib",
        "def late():\n    import pickle",
        "import importlib\nimportlib.import_module('pickle')",
        "from importlib import import_module\nimport_module('joblib')",
        "__import__('pickle')",
        "from fastai.learner import load_learner",
        "from fastai.vision.all import load_learner as opener",
        "import fastai.learner\nfastai.learner.load_learner('x.pkl')",
        "from fastai.vision.all import *\nlearn = module.load_learner('x.pkl')",
        "import torch\ntorch.load('x.pth')",
        "import torch\ntorch.load('x.pth', weights_only=False)",
        "import torch\ntorch.load('x.pth', map_location='cpu', weights_only=safe)",
        "import torch as t\nt.load('x.pth')",
        "from torch import load\nload('x.pth')",
        "from torch import load as read\nread('x.pth', weights_only=None)",
        "import torch\ntorch.save({}, 'x.pth')",
        "from torch import save",
        "import numpy as np\nnp.load('x.npy', allow_pickle=True)",
        "import numpy\nnumpy.load('x.npy', allow_pickle=flag)",
        "import numpy as np\nnp.load('x.npy', None, True)",
        "from numpy import load\nload('x.npy', allow_pickle=True)",
        "import pandas as pd\npd.read_pickle('x')",
        "from pandas import read_pickle",
        "table.to_pickle('x')",
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.Loader)",
        "import yaml\nyaml.load(text, yaml.UnsafeLoader)",
        "import yaml\nyaml.unsafe_load(text)",
        "from yaml import full_load",
        "from yaml import load\nload(text, Loader=None)",
    ],
)
def test_planted_pickles_are_found(source):
    assert forbidden(source)


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load('x.pth', map_location='cpu', weights_only=True)",
        "from torch import load\nload('x.pth', weights_only=True)",
        "import numpy as np\nnp.load('x.npy', mmap_mode='r')",
        "import numpy as np\nnp.load('x.npy', allow_pickle=False)\nnp.save('x.npy', array)",
        "import yaml\nyaml.safe_load(text)\nyaml.load(text, Loader=yaml.SafeLoader)\nyaml.load(text, yaml.CSafeLoader)",
        "from safetensors.torch import load, save_file\nload(content)",
        "import json\njson.load(stream)",
        "'''load_learner runs code: import pickle'''",
    ],
)
def test_safe_ways_are_left_alone(source):
    assert forbidden(source) == []
