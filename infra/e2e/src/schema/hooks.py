"""What a schema of single parameters cannot say, and so its own check would take for a contradiction."""

import schemathesis
from schemathesis.generation import GenerationMode

# The start may lie behind the end, and the range may be too long for its interval.
BETWEEN_PARAMETERS = {"START_AFTER_END", "TOO_MANY_BUCKETS"}
FILTERS = ("agent_id", "direction", "status")
FILTER_VALUES_MAX = 100


@schemathesis.check
def what_the_schema_takes_is_answered(ctx, response, case):
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    query = case.query or {}
    if query.get("decimal") == query.get("separator") == "comma":
        return  # A number's comma would be taken for the next column.
    if sum(len(query.get(name) or []) for name in FILTERS) > FILTER_VALUES_MAX:
        return  # Each may have so many values, but not all together.
    if response.status_code == 400:
        code = response.json()["error"]["code"]
        assert code in BETWEEN_PARAMETERS, f"valid by the schema, refused with {code}"
