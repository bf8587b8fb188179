"""Blocks of rows read as rows, in order; their lines are those of the rows."""

from operators.results import Row
from operators.row_blocks import MetricRows, RowSeq, joined
from sinks.results import encode_row, encode_rows, sorted_lines
from tests.operators.one_room import bodies, event, play, quiet_shard, tick, ticks

LOG = [
    tick(0),
    event("enter", 500, 1, 1, channel="paid"),
    event("enter", 1_500, 2, 2, channel="feed", host_id="h1"),
    event("product_click", 2_000, 3, 1, product_id="p1"),
    event("order_paid", 3_000, 4, 1, order_id="o1", amount_minor=900, product_id="p1"),
    *ticks(1, 70),
    event("refund_succeeded", 50_000, 5, 1, order_id="o1", refund_id="f1", amount_minor=300),
    *ticks(71, 200),
]


def made() -> RowSeq:
    from operators.shard import Record
    from stream.replay import version_of

    shard = quiet_shard()
    outputs = []
    for number, body in enumerate(bodies(LOG, 0), 1):
        outputs += shard.step([Record(version_of(number), 0, body)])
    return joined(output.rows for output in [*outputs, *shard.close()])


def test_lines_of_blocks_are_lines_of_their_rows() -> None:
    rows = made()
    kinds = {type(part) for part in rows.parts}
    assert kinds == {Row, MetricRows}
    assert list(encode_rows(rows)) == [encode_row(row) for row in rows]
    assert list(sorted_lines(rows)) == list(sorted_lines(list(rows)))
    assert {row.revision for row in rows} > {0}


def test_a_sequence_reads_as_its_rows() -> None:
    rows = made()
    whole = list(rows)
    assert len(rows) == len(whole) > 20
    assert rows[3] == whole[3]
    assert rows[-2:] == whole[-2:]
    assert rows[:] is rows
    assert rows == whole
    assert rows != whole[1:]
    assert play(LOG, quiet_shard(), close=True).rows == whole


def test_nothing_is_an_empty_sequence() -> None:
    assert not RowSeq()
    assert list(encode_rows(RowSeq())) == []
    assert joined([(), RowSeq()]) == []
