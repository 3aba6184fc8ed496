"""Read by pytest first, whichever part of the course is tested."""

pytest_plugins = ["nbval_mode"]
