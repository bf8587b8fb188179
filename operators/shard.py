"""One shard: log records in, outputs out. The whole engine behind two methods and a snapshot.

`step` folds records and yields what became final; `flush` yields what changed on screens. The
caller decides when to flush; nothing final depends on it, nor on how records are batched.
"""

from collections.abc import Sequence

import numpy as np

from operators.beat import BEAT_MS, Beat, Finals
from operators.boards import Boards
from operators.columns import RULES, TICK, Columns, cuts
from operators.facts import GroupFacts, Tables, sessions_by_group
from operators.figures import Figures
from operators.fold import Fold
from operators.groups import RESTLESS_TYPES, Group
from operators.hashindex import I64
from operators.intake import RAW_BYTES, AnyRecord, Intake, Record, take_in
from operators.options import Options, State
from operators.patches import Patches
from operators.plan import Plan
from operators.results import DeadLetter, LogEntry, Output, Patch, Row
from operators.row_blocks import MetricRows, RowSeq
from operators.rules.inforce import InForce
from operators.rules.model import AlertChange, RuleSet
from operators.sessions import Place
from operators.stock import StockSettings

__all__ = ["Record", "Shard"]
_NO_TICK = -1
PULSE_MS = 1_000
"""Rules that do not wait for a beat are judged at each of these of the watermark."""


class Shard:
    """The state and the steps of one shard. Pure: time comes from the log."""

    def __init__(
        self,
        number: int,
        plan: Plan,
        rules: RuleSet,
        options: Options | None = None,
        *,
        fixed_rules: bool = False,
    ) -> None:
        self.number = number
        self.state = State(number, plan, options or Options())
        self.rules = rules
        self.in_force = InForce(rules, fixed=fixed_rules)
        self.fold = Fold(self.state)
        state = self.state
        self.figures = Figures(
            plan,
            state.cube,
            state.presence,
            state.active,
            state.sessions,
            state.bounds,
            state.sides,
            state.tags,
        )
        self.boards = Boards(self.state)
        self.beat = Beat(self.state, self.fold, self.figures, self.boards)
        self.patches = Patches(self.state, self.figures, self.boards)
        self.state.packing.holders = (self.fold, self.beat.rows, self.patches)
        self.groups: dict[tuple[str, str], Group] = {}
        self.restless: set[tuple[str, str]] = set()
        """Groups for which a pulse may have something to tell."""
        self.version = ""
        self.ordinal = 0
        self.ordinal_of = ""
        self._said_all_again = False

    def step(self, records: Sequence[AnyRecord]) -> list[Output]:
        """Fold records; gives an output for each beat among them, and one for bad lines."""
        if not records:
            return []
        taken = take_in(records, self.state.reader)
        self.state.count("in", taken.seen)
        columns, dead = taken.columns, taken.dead
        outputs: list[Output] = []
        if columns is not None:
            ticks = self._ticks(columns)
            ends = self._beat_ends(columns, ticks)
            start = 0
            for number, stretch in enumerate(cuts(columns, [*ends, columns.n])):
                end = start + stretch.n
                beats = number < len(ends)
                outputs += self._stretch(stretch, ticks[start:end], start, taken, beats)
                if beats:
                    at_ms = int(columns.time_ms[end - 1])
                    outputs += self._beat(at_ms, taken.record_at(end - 1))
                start = end
            if columns.n and ticks[-1] >= 0:
                self.state.clock.tick_ms = max(int(ticks[-1]), self._last_tick(columns))
        last = records[-1]
        self.version = last.version
        self.state.count("dead", len(dead))
        for letter in dead:
            self.state.count(f"dead.{letter.reason}")
        if dead:
            outputs.append(self._output(last.version, last.as_of_ms, dead=tuple(dead)))
        return outputs

    def flush(self, as_of_ms: int, *, full: bool = True, most: int | None = None) -> Output:
        """What changed on state channels since the last flush, as of the last record.

        `full` and `most`: as in `Patches.flush`; stock, terms, names and marks go with
        full ones.
        """
        patches = self.patches.flush(full=full, most=most) + self.beat.history.flush()
        now_ms = self.state.clock.watermark_ms()
        if full and not self.patches.in_round and now_ms is not None:
            patches += self.fold.talk.flush()
            for address in sorted(self.groups):
                patches += self.groups[address].flush(now_ms)
        retired = self.beat.sealed_channels() if self._said_all_again else ()
        self._said_all_again = False
        return self._output(self.version, as_of_ms, patches=patches, retired=tuple(retired))

    def close(self, as_of_ms: int = 0) -> list[Output]:
        """The recording is over: finish what is open. Not for a stop of a live engine."""
        finals = self.beat.close()
        return [self._finals(self.version, as_of_ms, finals, ())]

    def forget_sent(self, *, past: bool = True) -> None:
        """Everything sent is lost: the next flush sends all live state again.

        `past`: the charts' past, too. It is said minute by minute with its rows and never goes
        back, so only a place that lost it needs it again.
        """
        self._said_all_again = True
        self.patches.forget()
        if past:
            self.beat.history.forget_sent()
        self.fold.talk.forget_sent()
        for group in self.groups.values():
            group.forget_sent()

    def _ticks(self, columns: Columns) -> I64:
        """The last tick before each event, ms; _NO_TICK before the first."""
        known = self.state.clock.tick_ms
        at = np.where(columns.type == TICK, columns.time_ms, _NO_TICK)
        reached = np.maximum.accumulate(
            np.concatenate(([_NO_TICK if known is None else known], at))
        )
        return np.asarray(reached[:-1])

    def _last_tick(self, columns: Columns) -> int:
        own = columns.time_ms[columns.type == TICK]
        return int(own.max()) if len(own) else _NO_TICK

    def _beat_ends(self, columns: Columns, ticks: I64) -> list[int]:
        """Places after the ticks that take the watermark past a multiple of BEAT_MS."""
        places = np.flatnonzero((columns.type == TICK) & (columns.time_ms > ticks))
        lag = self.state.options.max_out_of_orderness_ms
        before = (ticks[places] - lag) // BEAT_MS
        after = (columns.time_ms[places] - lag) // BEAT_MS
        crossed = (after > before) | (ticks[places] < 0)
        return [int(place) + 1 for place in places[crossed]]

    def _stretch(
        self, columns: Columns, ticks: I64, start: int, taken: Intake, beats: bool
    ) -> list[Output]:
        """Fold one stretch, which begins at place `start` of the step; gives its pulses.

        `beats`: it ends with the tick of a beat, which judges all.
        """
        if not columns.n:
            return []
        for place in np.flatnonzero(columns.type == RULES).tolist():
            if not self.in_force.take(columns.objects[place]):
                self.state.count("rules_refused")
        rejected: list[tuple[int, str]] = []
        self.fold.stretch(columns, ticks, lambda at, why: rejected.append((at, why)))
        for at, reason in rejected:
            taken.dead.append(DeadLetter(reason, taken.line_at(start + at)[:RAW_BYTES]))
        clock = np.flatnonzero((columns.type == TICK) & (columns.time_ms > ticks)).tolist()
        clock = clock[: len(clock) - beats]
        pulses = [(int(columns.time_ms[p]), taken.record_at(start + p)) for p in clock]
        return self._observe(pulses)

    def _observe(self, pulses: Sequence[tuple[int, AnyRecord]] = ()) -> list[Output]:
        """Hand accepted events of rare types to their groups, with pulses among them.

        `pulses`: time of each tick among the events, ascending, and the record it stands in.
        """
        outputs: list[Output] = []
        waiting = list(reversed(pulses))
        for event, where, tick_ms in self.fold.objects:
            while waiting and waiting[-1][0] <= tick_ms:
                outputs += self._pulse(*waiting.pop())
            self.group(where).observe(event)
            if event.type in RESTLESS_TYPES:
                self.restless.add((where.tenant, where.group))
        self.fold.objects.clear()
        while waiting:
            outputs += self._pulse(*waiting.pop())
        return outputs

    def _pulse(self, tick_ms: int, record: AnyRecord) -> list[Output]:
        """Each second of the clock: judge the rules that do not wait for a beat."""
        now_ms = (tick_ms - self.state.options.max_out_of_orderness_ms) // PULSE_MS * PULSE_MS
        changes: list[AlertChange] = []
        for address in sorted(self.restless):
            group = self.groups[address]
            changes += group.pulse(now_ms)
            if not group.restless:
                self.restless.discard(address)
        if not changes:
            return []
        return [self._finals(record.version, record.as_of_ms, Finals(), changes)]

    def group(self, where: Place) -> Group:
        """The group of a place, made when first needed."""
        address = (where.tenant, where.group)
        found = self.groups.get(address)
        if found is None:
            found = self.groups[address] = self.new_group(*address)
        return found

    def new_group(self, tenant: str, group: str) -> Group:
        """An empty group as rules and options say; not yet one of ours."""
        options = self.state.options
        stock = StockSettings(
            low_units=options.stock_low_units,
            line_retention_ms=options.ledger_days * 86_400_000,
        )
        return Group(tenant, group, self.in_force.of(tenant, group), stock, options.leave_out)

    def _beat(self, tick_ms: int, record: AnyRecord) -> list[Output]:
        state = self.state
        state.clock.tick_ms = tick_ms
        finals = self.beat.run(tick_ms)
        for where in finals.sealed:
            self.group(where).timeline.end_room(where.room_id, tick_ms)
        self._observe()
        if self.in_force.turn():
            for address, group in self.groups.items():
                group.alerts.reload(self.in_force.of(*address))
        watermark = tick_ms - state.options.max_out_of_orderness_ms
        now_ms = watermark // BEAT_MS * BEAT_MS
        changes: list[AlertChange] = []
        sessions = sessions_by_group(state)
        for where in finals.sealed:
            # What ended and was sealed in one leap of the clock still has alerts to resolve.
            number = int(state.sessions.current[state.sessions.number[where]])
            address = (where.tenant, where.group)
            sessions.setdefault(address, {}).setdefault(where.room_id, number)
        tables = Tables(state, self.figures)
        for address in sorted(self.groups):
            group = self.groups[address]
            of_group = state.sessions.groups.get(address)
            total = -1 if of_group is None else int(state.sessions.total_of[of_group])
            facts = GroupFacts(tables, group.stock, sessions.get(address, {}), total)
            changes += group.beat(now_ms, facts)
            finals.rows += group.rows
            group.rows.clear()
            if group.restless:
                self.restless.add(address)
        return [self._finals(record.version, record.as_of_ms, finals, changes)]

    def _finals(
        self, version: str, as_of_ms: int, finals: Finals, changes: Sequence[AlertChange]
    ) -> Output:
        if version != self.ordinal_of:
            self.ordinal_of, self.ordinal = version, 0
        entries = []
        made: list[Row | MetricRows] = list(finals.rows)
        for change in changes:
            data = change.as_dict()
            channel = f"alerts:{change.tenant}/{change.group}"
            entries.append(LogEntry(channel, self.ordinal, data))
            self.ordinal += 1
            made.append(_alert_row(change, data))
        rows = RowSeq(made)
        self.state.count("rows", len(rows))
        self.state.count("alerts", len(changes))
        return self._output(
            version,
            as_of_ms,
            patches=finals.patches,
            entries=tuple(entries),
            rows=rows,
            retired=tuple(finals.retired),
        )

    def _output(
        self,
        version: str,
        as_of_ms: int,
        *,
        patches: Sequence[Patch] = (),
        entries: tuple[LogEntry, ...] = (),
        rows: Sequence[Row] = (),
        dead: tuple[DeadLetter, ...] = (),
        retired: tuple[str, ...] = (),
    ) -> Output:
        """An output with the counters as they stand; `wm_ms` among them is the watermark."""
        counters = dict(self.state.counters)
        watermark = self.state.clock.watermark_ms()
        if watermark is not None:
            counters["wm_ms"] = watermark
        return Output(
            self.number,
            version,
            as_of_ms,
            tuple(patches),
            entries,
            rows,
            dead,
            retired=retired,
            counters=counters,
        )


def _alert_row(change: AlertChange, data: dict[str, object]) -> Row:
    body = {k: v for k, v in data.items() if k not in ("tenant", "group", "room_id", "window")}
    body["of_window"] = data.get("window")
    return Row(
        "alert",
        change.tenant,
        change.group,
        change.room_id,
        change.rule.name,
        change.subject,
        "alert",
        change.start_ms,
        change.at_ms,
        True,
        0,
        body,
    )
