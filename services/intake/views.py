"""What intake shows of a message, and to whom. Anonymous and confidential are honoured in every output."""

from typing import Any

from services.intake import links
from shared.http.auth import Key
from shared.store.port import Document, Store

_AT_WORK = {"routed", "accepted"}

_STATUS = {
    "received": ("已收到，正在分派", "Received, being assigned"),
    "triage": ("正在人工研判分派", "Being looked at by the hotline centre"),
    "department": ("已交承办部门办理", "With the responsible department"),
    "joined": ("与同一问题的诉求合并办理", "Handled together with others about the same thing"),
    "answered": ("已直接答复", "Answered"),
    "referred": ("已告知法定办理途径", "Referred to the statutory path"),
    "not_admitted": ("经研判不予受理，已说明理由", "Not admitted, with the reason given"),
    "withdrawn": ("已撤回", "Withdrawn"),
    "closed": ("已办结", "Done"),
    "dead": ("系统处理遇到问题，工作人员正在跟进", "Held up by a technical problem; people are working on it"),
}
_STEPS = {
    "opened": ("已生成工单", "A case was opened"),
    "triaged": ("转人工研判", "Passed to the hotline centre for a decision"),
    "routed": ("已派单", "Assigned"),
    "accepted": ("部门已签收", "Accepted by the department"),
    "returned": ("部门退回，重新分派", "Returned by the department, to be assigned again"),
    "resolved": ("部门已办结", "Resolved by the department"),
    "decided": ("已作出研判", "Decided by the hotline centre"),
    "amended": ("诉求内容已补充", "The message was amended"),
    "dead": ("系统处理遇到问题", "Held up by a technical problem"),
}


def may_see(document: Document, key: Key) -> bool:
    """A channel sees its own messages, a department those whose case it holds, an operator all."""
    if key.role == "operator":
        return True
    if key.role == "channel":
        return not key.scope or document.body["message"]["channel"] in key.scope
    return holds(document, key)


def holds(document: Document, key: Key) -> bool:
    """Whether a department of this key has the case in its hands now."""
    case = document.body["case"]
    return case is not None and case["state"] in _AT_WORK and case["department"] in key.scope


def standing(document: Document) -> dict[str, Any]:
    """How the message's case stands, in short."""
    case = document.body["case"] or {}
    return {
        "status": document.body["status"],
        "case": case.get("id"),
        "case_number": case.get("number"),
        "department": case.get("department"),
    }


async def message(document: Document, key: Key, store: Store) -> dict[str, Any]:
    """The message as this key may see it."""
    shown: dict[str, Any] = document.body["message"]
    if key.role != "operator":
        hidden = {"identifiers"} | ({"citizen"} if shown["anonymous"] or shown["confidential"] else set())
        shown = {name: value for name, value in shown.items() if name not in hidden}
    elif shown["citizen"]:
        shown = shown | {"links": await links.linked(store, shown["citizen"])}
    return shown | standing(document) | {"tracking_code": _code(document, key), "history": document.body["history"]}


def _code(document: Document, key: Key) -> str | None:
    """The tracking code opens the public page, so a department is not given it."""
    return None if key.role == "department" else document.body["tracking_code"]


def track(document: Document, departments: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """The public answer to a tracking code: plain words, nothing personal. `departments`: code → names (zh, en)."""
    body = document.body
    holder = departments.get((body["case"] or {}).get("department") or "")
    return {
        "tracking_code": body["tracking_code"],
        "status": body["status"],
        "status_text": _words(_STATUS[body["status"]]),
        "received_at": body["received_at"],
        "case_number": (body["case"] or {}).get("number"),
        "department": _words(holder) if holder else None,
        "history": [_step(entry, departments) for entry in [_received(body), *body["history"]]],
    }


def _received(body: dict[str, Any]) -> dict[str, Any]:
    return {"at": body["received_at"], "what": "received", "department": None}


def _step(entry: dict[str, Any], departments: dict[str, tuple[str, str]]) -> dict[str, Any]:
    zh, en = _STEPS.get(entry["what"], ("已收到", "Received")) if entry["what"] != "received" else ("已收到", "Received")
    at = departments.get(entry["department"] or "")
    return {"at": entry["at"], "zh": f"{zh}：{at[0]}" if at else zh, "en": f"{en}: {at[1]}" if at else en}


def _words(pair: tuple[str, str]) -> dict[str, str]:
    return {"zh": pair[0], "en": pair[1]}
