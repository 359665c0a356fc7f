"""Where each service is killed: every named point of its doors, loops and relay."""

POINTS: dict[str, tuple[str, ...]] = {
    "intake": (
        "intake.store", "intake.stored", "intake.amend", "intake.amended", "store.commit", "store.committed",
        "outbox.publish", "outbox.published", "outbox.marked", "log.commit",
        "intake.follow", "intake.followed", "intake.handled", "intake.committed",
        "preparer.asked", "preparer.prepared",
    ),
    "classifier": ("classifier.publish", "log.commit", "classifier.published", "classifier.handled", "classifier.committed"),
    "router": (
        "router.store", "router.stored", "store.commit", "store.committed", "router.act", "router.acted",
        "outbox.publish", "outbox.published", "outbox.marked", "log.commit", "router.handled", "router.committed",
        "feed.store", "feed.stored", "router-feed.handled", "router-feed.committed",
    ),
}  # fmt: skip
BESIDE_INTAKE = {"preparer.asked", "preparer.prepared", "store.commit", "store.committed"}
"""Points of the process that makes and writes intake's documents. They are armed with intake, which lives on."""
ONLY_SQLITE = {"store.commit", "store.committed", "log.commit"}

ALL = [(service, point) for service, points in POINTS.items() for point in points]
