"""The event log: its port, and the door to whichever implementation a URL names."""

from pathlib import Path

from shared.errors import BadSettings
from shared.log.port import MAX_RECORD_BYTES, Consumer, Lag, Log, Partition, Position, Received, Record, TopicSpec

__all__ = [
    "MAX_RECORD_BYTES",
    "Consumer",
    "Lag",
    "Log",
    "Partition",
    "Position",
    "Received",
    "Record",
    "TopicSpec",
    "open_log",
]

_RIGHT = "use sqlite:///var/log.db (relative), sqlite:////srv/yijian/log.db (absolute) or kafka://host1:9092,host2:9092"


def open_log(url: str) -> Log:
    """The log a URL names. Opens nothing yet: trouble shows at first use, as `LogUnavailable`.

    Raises `BadSettings` when the URL is of no known form.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite":
        return _sqlite(url, rest)
    if separator and scheme == "kafka":
        return _kafka(url, rest)
    raise BadSettings(f"{url!r} names no log: {_RIGHT}")


def _sqlite(url: str, rest: str) -> Log:
    from shared.log.sqlite import SqliteLog

    if len(rest) < 2 or not rest.startswith("/") or rest.endswith("/"):
        raise BadSettings(f"{url!r} names no file: {_RIGHT}")
    return SqliteLog(Path(rest[1:]))


def _kafka(url: str, rest: str) -> Log:
    from shared.log.kafka import KafkaLog

    brokers = rest.rstrip("/").split(",")
    if not all(_is_address(broker) for broker in brokers):
        raise BadSettings(f"{url!r} does not list brokers as host:port: {_RIGHT}")
    return KafkaLog(brokers)


def _is_address(broker: str) -> bool:
    host, separator, port = broker.rpartition(":")
    return bool(host and separator and port.isdecimal() and 0 < int(port) < 65536)
