"""JupyterLab runs the notebooks from 08 on and all companions, and their widgets react: test_lab.py in parallel."""

import pytest
from lab import WITH_WIDGETS, Visit, is_later, visit, widget_cells

from publish.course import ROOT


@pytest.mark.parametrize("notebook", [path for path in WITH_WIDGETS if is_later(path)], ids=lambda path: path.stem)
def test_every_widget_works_in_jupyterlab_and_in_its_slideshow(notebook, context, lab):
    found = visit(context, lab, notebook.relative_to(ROOT).as_posix(), widget_cells(notebook))

    assert found == Visit()
