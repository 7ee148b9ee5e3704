"""pyroute2, loaded as far as it is needed.

To import any part of a package runs the package's own code first, and that of
pyroute2 imports every protocol the library speaks: twice as many modules as
rtnetlink needs, and longer than all else a run does that changes nothing.  So
the package is made known without running its code.  That runs after all as soon
as somebody asks the package for a name which none of its modules has.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Final

LIBRARY: Final = "pyroute2"


def load_parts_only() -> None:
    """Have imports from the library load only what they name; without it they fail as ever."""
    if LIBRARY in sys.modules:
        return
    spec = find_spec(LIBRARY)
    if spec is None or spec.loader is None:
        return
    package, loader = module_from_spec(spec), spec.loader

    def attribute(name: str) -> object:
        """Find what the package lacks (PEP 562)."""
        if name.startswith("__"):
            raise AttributeError(name)
        if find_spec(f"{LIBRARY}.{name}"):
            return import_module(f"{LIBRARY}.{name}")
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, name)

    package.__dict__["__getattr__"] = attribute
    sys.modules[LIBRARY] = package
