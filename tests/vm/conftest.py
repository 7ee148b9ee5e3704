"""What wants a whole kernel is there only where there is one: in the virtual machine."""

from __future__ import annotations

from tests.backends.kernel import kernel_has_wireguard

collect_ignore = [] if kernel_has_wireguard() else ["inside"]
