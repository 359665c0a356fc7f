"""The closed vocabularies of DESIGN §2, spelled as they stand in events, in REST and in packs."""

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["consultation", "help", "complaint", "report", "suggestion", "praise"]
"""诉求类型: 咨询, 求助, 投诉, 举报, 建议, 表扬."""
KINDS: tuple[Kind, ...] = ("consultation", "help", "complaint", "report", "suggestion", "praise")

Urgency: TypeAlias = Literal["normal", "urgent", "emergency"]
"""normal · urgent: harm or a deadline within days · emergency: life in danger now."""
URGENCIES: tuple[Urgency, ...] = ("normal", "urgent", "emergency")

Disposition: TypeAlias = Literal[
    "triage", "department", "joined", "answered", "referred", "not_admitted", "withdrawn", "closed", "dead"
]
"""Where a case stands, once and for all or for now; the account counts every one of them."""
