#!/usr/bin/env python3
"""Numbers for workers and items: makes judgments.tsv.gz of the source's labels.txt.

    derive.py labels.txt judgments.tsv.gz

The items are addresses of sites that nobody needs to read, so nothing of them is kept: worker and item become their
number in order of first appearance, from 1; the label and the order of the rows stay.
"""
import gzip
import sys


def number(seen, name):
    return seen.setdefault(name, len(seen) + 1)


def main():
    source, target = sys.argv[1:]
    workers, items = {}, {}
    with open(source, encoding="ascii") as rows, gzip.GzipFile(target, "wb", 9, mtime=0) as out:
        for row in rows:
            worker, item, label = row.rstrip("\n").split("\t")
            out.write(b"%d\t%d\t%s\n" % (number(workers, worker), number(items, item), label.encode()))


main()
