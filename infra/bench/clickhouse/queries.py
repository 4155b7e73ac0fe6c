"""ClickHouse's engine, embedded: runs each statement that comes in and says how long that alone took.

Arguments: folder of the package chdb, folder of the data.
Standard input: a line for each statement, {"sql": TEXT}.
Standard output: a line for each answer, {"tookMs": NUMBER, "text": TEXT} or {"error": TEXT}.
"""

import json
import sys
import time

sys.path.insert(0, sys.argv[1])
from chdb.session import Session  # noqa: E402

session = Session(sys.argv[2])
for line in sys.stdin:
    sql = json.loads(line)["sql"]
    began = time.perf_counter()
    try:
        text = session.query(sql, "JSONCompactEachRow").bytes().decode()
        answer = {"tookMs": (time.perf_counter() - began) * 1000, "text": text}
    except Exception as thrown:
        answer = {"error": str(thrown)}
    print(json.dumps(answer), flush=True)
