"""The one Jinja environment: plain text, and a name the template misspells is an error.

Jinja is loaded with the first template, not with the module.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@functools.cache
def environment() -> Environment:
    """Return the environment; its templates are data of this package, wherever that lies."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("netstart_wg.render"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - text for a terminal, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
