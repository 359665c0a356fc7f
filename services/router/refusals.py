"""The router's refusals, each saying what is so and what to do."""

from collections.abc import Mapping

from services.router import life
from services.router.model import Body
from shared.http.problems import Problem, fault


def no_such_case(ref: str) -> Problem:
    """There is none, or none that this key may know of."""
    return Problem(404, "no-such-case", f"There is no case {ref[:60]!r} that this key may see.")


def turn_over(case: Body, outcome: str) -> Problem:
    """A department may read what it had, and change only what it has. What became of the case since is not told."""
    detail = f"Your department's turn at case {case['number']} has ended ({outcome}): nothing can be done with it any more."
    return Problem(409, "turn-over", detail, state=outcome, allowed=[])


def another_version(current: int) -> Problem:
    """`If-Match` names another version."""
    detail = f'The case is at version "{current}" now. Read it again, and send If-Match: "{current}" if you still want this.'
    errors = [fault("header/If-Match", detail)]
    return Problem(412, "another-version", detail, errors=errors, headers={"ETag": f'"{current}"'}, current=current)


def not_allowed(act: str, case: Body) -> Problem:
    """The state does not allow the act."""
    state, allowed = case["state"], life.allowed(case["state"])
    possible = f"Possible now: {', '.join(allowed)}." if allowed else "Nothing can be done with it any more."
    detail = f"Case {case['number']} is in the state {state!r}, which does not allow {act!r}. {possible}"
    return Problem(409, "not-allowed", detail, state=state, allowed=list(allowed))


def key_reused() -> Problem:
    """The same `Idempotency-Key` with another body."""
    detail = "This Idempotency-Key was used for another act on this case. Repeat that one as it was, or use a new key."
    return Problem(422, "idempotency-key-reused", detail, errors=[fault("header/Idempotency-Key", detail)])


def wrong_fields(mistakes: Mapping[str, str]) -> Problem:
    """Fields of the body that cannot be, each with what to change."""
    faults = [fault(f"/{name}", detail) for name, detail in mistakes.items()]
    return Problem(422, "invalid", f"{faults[0]['pointer']}: {faults[0]['detail']}", errors=faults)


def wrong_department(code: str, *, test: bool) -> Problem:
    """Not a department that this case may go to."""
    why = "A test message stays at the test desk" if test else "The pack has no such department that takes real cases"
    return wrong_fields({"department": f"{why}: {code[:60]!r} cannot have it."})


def no_such_department(code: str) -> Problem:
    """Not in the pack."""
    return Problem(404, "no-such-department", f"The pack has no department {code[:60]!r}.")


def foreign_department(code: str) -> Problem:
    """A department's key asks for another department."""
    return Problem(403, "wrong-department", f"This key is not for the department {code[:60]!r}: ask with the key of your own.")


def bad_query(name: str, detail: str, status: int = 400) -> Problem:
    """A query parameter or header that cannot be."""
    return Problem(status, "invalid", f"{name}: {detail}", errors=[fault(name, detail)])


def busy() -> Problem:
    """The case kept changing while the act was tried."""
    detail = "This case is being changed by others at the moment: send the request again."
    return Problem(409, "busy", detail, headers={"Retry-After": "1"})
