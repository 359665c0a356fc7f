"""Consumer groups of the SQLite log: who is alive, who holds which partition under which epoch, how far they are.

Every member keeps the books itself, in one transaction: it buries the dead, works out the same fair share as the others
would, gives up what is no longer its own and takes what is free. Nobody takes a partition from a living member: that
one gives it up in its own next poll, when the batch in its hands is done.
"""

import json
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import apsw

from shared import ids
from shared.clock import boot_id, boottime
from shared.errors import LogUnavailable
from shared.log.port import Partition
from shared.log.sqlite_presence import Presence
from shared.log.sqlite_schema import Database, fetch_all


@dataclass(frozen=True, slots=True)
class Member:
    """One consumer of a group, in this process."""

    group: str
    topics: tuple[str, ...]
    timeout: float
    """Seconds of silence after which it is dead."""
    id: str = field(default_factory=ids.new_id)


@dataclass(frozen=True, slots=True)
class Share:
    """A partition a member holds: the lease's epoch, and the committed offset (None: nothing committed yet)."""

    epoch: int
    committed: int | None


def fair_shares(partitions: Iterable[Partition], members: Mapping[str, Collection[str]]) -> dict[Partition, str]:
    """Partition → member, as evenly as the members' topics allow. A function of its arguments alone, so that all agree."""
    load = dict.fromkeys(members, 0)
    shares: dict[Partition, str] = {}
    for partition in sorted(partitions):
        readers = [member for member, topics in members.items() if partition.topic in topics]
        if readers:
            shares[partition] = chosen = min(readers, key=load.__getitem__)
            load[chosen] += 1
    return shares


class Groups:
    """The groups' file. Blocking; safe from several threads. Every method raises `LogUnavailable`."""

    def __init__(self, database: Database, presence: Presence) -> None:
        self._database, self._presence = database, presence

    def sync(self, member: Member, partitions: Iterable[Partition]) -> dict[Partition, Share]:
        """Join or stay, settle who holds what of these partitions, and answer what this member holds now."""
        self._presence.announce(member.id)
        with self._database.write() as connection:
            self._appear(connection, member)
            self._bury(connection, member.group)
            wanted = fair_shares(partitions, self._members(connection, member.group))
            mine = {partition for partition, holder in wanted.items() if holder == member.id}
            self._settle(connection, member, mine)
            return {p: share for p, (holder, share) in self._shares(connection, member.group).items() if holder == member.id}

    def beat(self, member: Member) -> None:
        """Say that the member is alive. One that was buried stays dead until its next `sync`."""
        with self._database.write() as connection:
            connection.execute("UPDATE members SET seen = ? WHERE id = ?", (boottime(), member.id))

    def commit(self, member: Member, offsets: Mapping[Partition, tuple[int, int]]) -> list[Partition]:
        """Store partition → (epoch, next offset) where the member still holds that epoch; the partitions it does not."""
        lost = []
        with self._database.write() as connection:
            for (topic, number), (epoch, offset) in offsets.items():
                connection.execute(
                    "UPDATE shares SET next_offset = ? WHERE grp = ? AND topic = ? AND number = ? AND holder = ? AND epoch = ?",
                    (offset, member.group, topic, number, member.id, epoch),
                )
                if not connection.changes():
                    lost.append(Partition(topic, number))
        return lost

    def leave(self, member: Member) -> None:
        """Go, and free at once what was held."""
        try:
            with self._database.write() as connection:
                self._remove(connection, [member.id])
        finally:
            self._presence.forget(member.id)

    def committed(self, group: str) -> dict[Partition, int]:
        """Partition → next offset, where the group has committed any."""
        with self._database.use() as connection:
            shares = self._shares(connection, group)
        return {partition: share.committed for partition, (_, share) in shares.items() if share.committed is not None}

    def check(self) -> None:
        """Raise `LogUnavailable` when the file cannot be written."""
        with self._database.write():
            pass

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @staticmethod
    def _appear(connection: apsw.Connection, member: Member) -> None:
        connection.execute(
            "INSERT INTO members (grp, id, topics, boot, seen, timeout) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET seen = excluded.seen",
            (member.group, member.id, json.dumps(member.topics), boot_id(), boottime(), member.timeout),
        )

    def _bury(self, connection: apsw.Connection, group: str) -> None:
        """Who was silent too long, and whose process has ended. A reading of another boot's clock means nothing, but its
        processes are certainly dead."""
        rows = fetch_all(connection, "SELECT id, boot, seen + timeout FROM members WHERE grp = ?", (group,))
        boot, now = boot_id(), boottime()
        dead = [one for one, of, until in rows if of != boot or until < now or self._presence.is_gone(one)]
        self._remove(connection, dead)
        for one in dead:
            self._presence.forget(one)

    @staticmethod
    def _remove(connection: apsw.Connection, members: Iterable[str]) -> None:
        for member in members:
            connection.execute("DELETE FROM members WHERE id = ?", (member,))
            connection.execute("UPDATE shares SET holder = NULL WHERE holder = ?", (member,))

    @staticmethod
    def _members(connection: apsw.Connection, group: str) -> dict[str, frozenset[str]]:
        rows = fetch_all(connection, "SELECT id, topics FROM members WHERE grp = ? ORDER BY joined", (group,))
        return {member: frozenset(json.loads(topics)) for member, topics in rows}

    @staticmethod
    def _shares(connection: apsw.Connection, group: str) -> dict[Partition, tuple[str | None, Share]]:
        rows = fetch_all(connection, "SELECT topic, number, holder, epoch, next_offset FROM shares WHERE grp = ?", (group,))
        return {Partition(topic, number): (holder, Share(epoch, committed)) for topic, number, holder, epoch, committed in rows}

    def _settle(self, connection: apsw.Connection, member: Member, mine: set[Partition]) -> None:
        shares = self._shares(connection, member.group)
        held = {partition for partition, (holder, _) in shares.items() if holder == member.id}
        free = {partition for partition in mine if partition not in shares or shares[partition][0] is None}
        connection.executemany(
            "UPDATE shares SET holder = NULL WHERE grp = ? AND topic = ? AND number = ?",
            [(member.group, *partition) for partition in held - mine],
        )
        connection.executemany(
            "INSERT INTO shares (grp, topic, number, epoch, holder) VALUES (?, ?, ?, 1, ?) "
            "ON CONFLICT (grp, topic, number) DO UPDATE SET holder = excluded.holder, epoch = epoch + 1",
            [(member.group, *partition, member.id) for partition in free],
        )


class Heart:
    """Beats for a member from a thread of its own: a handler that keeps the event loop busy is not dead."""

    def __init__(self, beat: Callable[[], None], interval: float) -> None:
        self._beat = beat
        self._interval = interval
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-heart", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the last beat end; none begins after this."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            with suppress(LogUnavailable):  # the next one may get through; if none does, others take over as they should
                self._beat()
