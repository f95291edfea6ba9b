#!/usr/bin/env python3
"""Run a command and write the peak of its memory, in KiB by the kernel's figure, into a file.

    peak.py FILE COMMAND...

Ends as the command ends.
"""
import resource
import subprocess
import sys

status = subprocess.run(sys.argv[2:]).returncode
with open(sys.argv[1], "w", encoding="ascii") as out:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=out)
sys.exit(status if status >= 0 else 128 - status)
