#!/usr/bin/env python3
"""Cases that do not compress, for `casepack import`.

    bulk.py SEED FIRST COUNT [csv]

COUNT cases from number FIRST, each with one result whose snippet is about 1 MB of base64:
785,000 bytes that no compressor makes smaller. As JSON lines unless `csv` is said. The same SEED gives the same bytes.
"""
import base64
import random
import sys

seed, first, count = (int(word) for word in sys.argv[1:4])
is_csv = sys.argv[4:] == ["csv"]
if is_csv:
    print("id,query,result,title,snippet")
for i in range(first, first + count):
    noise = base64.b64encode(random.Random(seed * 1000003 + i).randbytes(785000)).decode()
    print(f"bulk-{i},query {i},d1,Noise {i},{noise}" if is_csv else
          f'{{"id":"bulk-{i}","query":"query {i}","results":[{{"id":"d1","title":"Noise {i}","snippet":"{noise}"}}]}}')
