#!/usr/bin/env python3
"""sheet.py COLUMN FILE: one rater's column of a ratings file, as `casepack rate --from` reads it."""
import csv
import sys

column, path = sys.argv[1:]
out = csv.writer(sys.stdout)
out.writerow(["case", "field", "result", "value"])
for row in csv.DictReader(open(path, encoding="utf-8", newline="")):
    out.writerow([row["query"], "grade", row["docid"], row[column]])
