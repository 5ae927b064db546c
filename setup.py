"""Which packages a wheel holds; all else is in pyproject.toml.

``extension/`` and ``web/`` are JavaScript and stand for themselves, so they go into the
wheel under names that nobody else's packages have: what ``pyproject.toml`` has no words
for.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["actors", "actors.*", "broker", "broker.*"]),
        "tapster_console",
        "tapster_extension",
    ],
    package_dir={"tapster_console": "web", "tapster_extension": "extension"},
)
