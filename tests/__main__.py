"""All tests: `python -m tests`.

Those in namespaces, which mostly wait for packets, run beside the others, which mostly compute.
What the others print comes when they have ended.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

PYTEST = (sys.executable, "-m", "pytest", "--quiet")
IN_NAMESPACES = "tests/netns"


def main() -> int:
    """Return 0 if none has failed."""
    with tempfile.TemporaryFile("w+") as output:
        others = subprocess.Popen(
            [*PYTEST, f"--ignore={IN_NAMESPACES}"], stdout=output, stderr=subprocess.STDOUT
        )
        try:
            in_namespaces = subprocess.run([*PYTEST, IN_NAMESPACES], check=False).returncode
            others.wait()
        finally:
            others.terminate()
            others.wait()
        output.seek(0)
        print(output.read(), end="", flush=True)
    return in_namespaces or others.returncode


if __name__ == "__main__":
    sys.exit(main())
