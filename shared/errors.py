"""Every error the chassis raises, and what a caller may do about it.

    YijianError
    ├── Transient            try again later: nothing was wrong with the request
    │   ├── LogUnavailable       the event log cannot be reached, or did not confirm in time
    │   ├── StoreUnavailable     the document store cannot be reached, is locked, or its disk is full
    │   └── LeaseLost            another worker has taken over the partition: stop, re-read, go on
    └── Permanent            the same thing will fail the same way again
        ├── RecordRefused        the log will never take this record (too large, unknown topic)
        ├── BadRecord            a record read from the log cannot be decoded or validated
        ├── BadPack              a city's pack has mistakes; carries all of them
        ├── BadSettings          a setting is missing or wrong
        └── Problem              an answer to an HTTP client, as RFC 9457 (see shared.http.problems)

Only `Transient` pauses a loop. Every other exception is the fault of one record or one request.
"""


class YijianError(Exception):
    """The root; `slug` names the error in logs, metrics and dead letters."""

    slug = "error"


class Transient(YijianError):
    """A dependency's trouble: waiting helps, and no attempt is counted."""

    slug = "transient"


class LogUnavailable(Transient):
    """The log cannot be reached or has not confirmed; what was sent may or may not be stored."""

    slug = "log-unavailable"


class StoreUnavailable(Transient):
    """The store cannot be reached or written; what was sent may or may not be stored."""

    slug = "store-unavailable"


class LeaseLost(Transient):
    """The partition belongs to another member now (an old epoch was refused)."""

    slug = "lease-lost"


class Permanent(YijianError):
    """Trying again will not help."""

    slug = "permanent"


class RecordRefused(Permanent):
    """The log refuses these records for ever; `refused` maps their index in the batch to the reason."""

    slug = "record-refused"

    def __init__(self, refused: dict[int, str]) -> None:
        super().__init__("; ".join(f"record {index}: {reason}" for index, reason in refused.items()))
        self.refused = refused


class BadRecord(Permanent):
    """A record that cannot be understood: not ours, of a future version, or broken."""

    slug = "bad-record"


class BadSettings(Permanent):
    """A setting is missing or wrong; the text says which and what would be right."""

    slug = "bad-settings"
