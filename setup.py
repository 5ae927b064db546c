"""Which packages a wheel holds; all else is in pyproject.toml.

``extension/`` is JavaScript and stands for itself, so it goes into the wheel under a
name that nobody else's package has: what ``pyproject.toml`` has no words for.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["actors", "actors.*", "broker", "broker.*"]),
        "tapster_extension",
    ],
    package_dir={"tapster_extension": "extension"},
)
