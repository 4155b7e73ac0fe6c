"""Answers each line of standard input, a statement as JSON, with a line: the rows of its result as JSON."""

import json
import sys

from chdb.session import Session

session = Session(sys.argv[1])
for line in sys.stdin:
    rows = str(session.query(json.loads(line), "JSONEachRow")).splitlines()
    print(f"[{','.join(rows)}]", flush=True)
