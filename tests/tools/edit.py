"""edit.py SEED IN OUT: some lines of a text changed, put in, taken out; the same seed the same edits."""
import random, sys

chance = random.Random(int(sys.argv[1]))
lines = open(sys.argv[2], "rb").read().split(b"\n")[:-1]
words = ["Maps count as results.", "النتيجة صحيحة إذا أجابت عن السؤال.", "", "- one more", "## A heading", "Line with CR", "x" * 5000]
for _ in range(chance.randint(2, 5)):
    at = chance.randrange(len(lines))
    new = (chance.choice(words) + ("" if chance.random() < 0.5 else f" {chance.randrange(1000)}")).encode()
    new += b"\r" if new.startswith(b"Line") else b""
    kind = chance.random()
    if kind < 0.4:
        lines[at] = new
    elif kind < 0.75:
        lines[at:at] = [new, b""]
    elif len(lines) > 8:
        del lines[at:at + chance.randint(1, 3)]
open(sys.argv[3], "wb").write(b"".join(l + b"\n" for l in lines))
