"""What the description of the JSON says is tried with what it allows and what it does not: never a 5xx."""

from __future__ import annotations

import pytest

pytest.importorskip("schemathesis", reason="schemathesis is not installed (extra: dev)")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from tests.web.conftest import PASSWORD
from tests.web.running import in_a_thread, logged_in

EXAMPLES = 3  # of each operation, of what is allowed and of what is not; a longer run is made by hand: docs/review.md
UNDESCRIBED = {"/api/events/stream", "/api/openapi.json"}


def test_nothing_that_is_sent_breaks_the_server(app, versions):
    with in_a_thread(app) as url, logged_in(url, "boss", PASSWORD) as boss:
        description = boss.get("/api/openapi.json").json()
        assert {"/api/versions", "/api/playlists", "/api/dailies", "/api/events"} <= description["paths"].keys()
        assert not description["paths"].keys() & UNDESCRIBED
        schema = schemathesis.openapi.from_dict(description)
        headers = {
            "X-CSRF-Token": boss.headers["X-CSRF-Token"],
            "Cookie": "; ".join(f"{each.name}={each.value}" for each in boss.cookies.jar),
        }
        operations = [found.ok() for found in schema.get_all_operations()]
        cases = [each.as_strategy(generation_mode=GenerationMode.POSITIVE) for each in operations]
        cases += [
            each.as_strategy(generation_mode=GenerationMode.NEGATIVE) for each in operations if can_be_wrong(each)
        ]
        answers = [status for case in cases for status in tried(case, url, headers)]
    assert len(answers) > 100
    assert max(answers) < 500
    assert {200, 422} <= set(answers)


def can_be_wrong(operation) -> bool:
    """Whether the description forbids anything; where it asks for unlimited texts alone, a search for what is wrong only takes long."""
    if any(len(list(part)) for part in (operation.query, operation.headers, operation.cookies, operation.body)):
        return True
    described = [each.definition["schema"] for each in operation.path_parameters]
    return any(
        {key: value for key, value in schema.items() if key != "title"} != {"type": "string"} for schema in described
    )


def tried(cases, url, headers):
    """The statuses that some cases are answered with."""
    found = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def send(case):
        answer = case.call(base_url=url, headers=headers)
        assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text[:300]}"
        found.append(answer.status_code)

    send()
    assert found
    return found
