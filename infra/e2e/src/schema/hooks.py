"""What a schema of single parameters cannot say, and so its own check would take for a contradiction."""

import re

import schemathesis
from schemathesis.generation import GenerationMode

# The start may lie behind the end, and the range may be too long for its interval.
BETWEEN_PARAMETERS = {"START_AFTER_END", "TOO_MANY_BUCKETS"}
# The names of time zones are those of the runtime; the document has some of them as examples.
ZONES = {"Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"}
FILTERS = ("agent_id", "direction", "status")
FILTER_VALUES_MAX = 100
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# A zone or an offset may put these days beyond the years that are allowed, which are of UTC.
EDGES_OF_TIME = ("0001-01-01", "9999-12-31")
LENGTH_MAX = {"agent_id": 256, "direction": 64, "status": 64}


def fits(name, value):
    """Whether a filter's value has its pattern. Schemathesis generates without it: it knows no lookbehind and no surrogates."""
    has_space_around = name == "agent_id" and value != value.strip().strip("\ufeff")
    return len(value) <= LENGTH_MAX[name] and not CONTROL.search(value) and not has_space_around


@schemathesis.check
def what_the_schema_takes_is_answered(ctx, response, case):
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    query = case.query or {}
    if query.get("time_zone", "UTC") not in ZONES:
        return
    if "period" in query and ("start_date" in query or "end_date" in query):
        return  # Either names the range.
    if "compare" in query and (query.get("format") == "csv" or {"start_date", "end_date"} & set(query)):
        return  # A CSV has the buckets of one range. Before early dates there may be no time for another range.
    if query.get("decimal") == query.get("separator") == "comma":
        return  # A number's comma would be taken for the next column.
    if sum(len(query.get(name) or []) for name in FILTERS) > FILTER_VALUES_MAX:
        return  # Each may have so many values, but not all together.
    if not all(fits(name, value) for name in FILTERS for value in query.get(name) or []):
        return
    if response.status_code == 400:
        code = response.json()["error"]["code"]
        dates = [str(query.get(name, "")) for name in ("start_date", "end_date")]
        if code == "INVALID_DATE" and any(date.startswith(EDGES_OF_TIME) for date in dates):
            return
        assert code in BETWEEN_PARAMETERS, f"valid by the schema, refused with {code}"
