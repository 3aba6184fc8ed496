"""The code that a notebook teaches, as a module: what is tested is what students read."""

import ast
from types import ModuleType

from publish.course import NOTEBOOKS


def taught_in(notebook):
    """Return the definitions of a notebook without running it.

    Imports, functions and classes are taken, and constants: literals with names in capitals. Widgets and
    functions that are decorated with one are left out. What a function reads from other variables of the
    notebook can be set on the module.

    Args:
        notebook: the name of a course notebook, e.g. "01_ngram_lm".

    Raises:
        FileNotFoundError: if the course has no such notebook.
    """
    path = NOTEBOOKS / "source" / f"{notebook}.py"
    tree = ast.parse(path.read_text("utf-8"))
    module = ModuleType(f"taught_in_{notebook}")
    widgets = widgets_of(tree)
    tree.body = [node for node in tree.body if is_definition(node, widgets)]
    exec(compile(tree, path, "exec"), module.__dict__)
    return module


def widgets_of(tree):
    """The names that a notebook imports from ipywidgets."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) and is_of_widgets(node)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def is_of_widgets(node):
    modules = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
    return any((module or "").split(".")[0] == "ipywidgets" for module in modules)


def is_definition(node, widgets):
    if isinstance(node, ast.Import | ast.ImportFrom):
        return not is_of_widgets(node)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        decorators = [part for decorator in node.decorator_list for part in ast.walk(decorator)]
        return not widgets & {part.id for part in decorators if isinstance(part, ast.Name)}
    return isinstance(node, ast.Assign) and is_literal(node.value) and all(map(is_in_capitals, node.targets))


def is_in_capitals(target):
    names = [name.id for name in ast.walk(target) if isinstance(name, ast.Name)]
    return bool(names) and all(name.isupper() for name in names)


def is_literal(value):
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError):
        return False
    return True
