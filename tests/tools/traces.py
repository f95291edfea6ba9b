"""Where do these texts stand in these folders?

    traces.py TEXT,TEXT,... FOLDER...

Prints FILE: TEXT for each, and ends with 1 when there is any. Searched is every file by its bytes, every zstd frame that
begins at any offset of it, and every object of every git repository, packed and loose. zstd and git do the unpacking.
"""
import os
import subprocess
import sys

MAGIC = b"\x28\xb5\x2f\xfd"


def frames(data):
    at = data.find(MAGIC)
    while at >= 0:  # what stands behind the frame makes zstd complain, not keep what came before it
        yield at, subprocess.run(["zstd", "-dcq"], input=data[at:at + (1 << 20)], capture_output=True).stdout
        at = data.find(MAGIC, at + 1)


def main():
    texts = [t.encode() for t in sys.argv[1].split(",")]
    found = set()

    def look(where, data):
        found.update((where, t) for t in texts if t in data)

    for root in sys.argv[2:]:
        for folder, folders, names in os.walk(root):
            for name in folders + names:
                look(os.path.join(folder, name), os.path.join(folder, name).encode())
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    data = f.read()
                look(path, data)
                for at, text in frames(data):
                    look(f"{path}, frame at {at}", text)
            if folder.endswith(".git"):
                look(f"{folder}, objects", subprocess.run(["git", "-C", folder, "cat-file", "--batch-all-objects", "--batch"],
                                                          check=True, capture_output=True).stdout)
    for where, text in sorted(found):
        print(f"{where}: {text.decode()}")
    return 1 if found else 0


sys.exit(main())
