"""What wants a whole kernel is there only where there is one; a life is for who asks for it."""

from __future__ import annotations

from tests.backends.kernel import kernel_has_wireguard

collect_ignore = ["life"] if kernel_has_wireguard() else ["inside", "life"]
