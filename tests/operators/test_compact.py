"""What a shard holds is bounded by what is live, and letting go changes no figure."""

from operators.shard import Record
from operators.snapshot import freeze
from stream.options import make_shard
from stream.replay import version_of
from stream.settings import Settings

START_MS = 1_793_534_400_000
VIEWERS = 1_500
LENGTH_S = 30
ROOMS = 24


def line(event_id: str, kind: str, time_ms: int, rest: str = "") -> str:
    where = "" if kind == "tick" else ',"tenant":"t1","room_id":"r1"'
    return (
        f'{{"event_id":"{event_id}","source":"s","type":"{kind}",'
        f'"event_time_ms":{time_ms}{where}{rest}}}\n'
    )


def session(number: int) -> bytes:
    """A short session with its own viewers, then three minutes of ticks."""
    start = START_MS + number * 240_000
    lines = [line(f"t{start}", "tick", start)]
    lines.append(line(f"{number}-start", "room_status", start, ',"status":"start"'))
    for viewer in range(VIEWERS):
        at = start + viewer * LENGTH_S * 1000 // VIEWERS
        user = f"{number:08x}{viewer:08x}"
        lines.append(line(f"{number}-{viewer}", "enter", at, f',"user_id":"{user}"'))
    end = start + LENGTH_S * 1000
    lines.append(line(f"{number}-end", "room_status", end, ',"status":"end"'))
    lines += [line(f"t{at}", "tick", at) for at in range(end, start + 240_000, 1000)]
    return "".join(lines).encode()


def test_many_short_sessions_leave_no_viewers_behind() -> None:
    shard = make_shard(0, Settings())
    counted = []
    sizes = []
    for number in range(ROOMS):
        for output in shard.step([Record(version_of(number + 1), 0, session(number))]):
            for row in output.rows:
                metrics = row.body.get("metrics")
                if (
                    row.window == "session"
                    and row.dimension == "room"
                    and isinstance(metrics, dict)
                ):
                    counted.append((metrics["view_uv"], metrics["pcu"]))
        sizes.append(len(freeze(shard)))
    assert counted == [(VIEWERS, VIEWERS)] * ROOMS
    # Those of the shop's last ten minutes: three sessions of four minutes.
    assert shard.state.cube.marks.index.count <= 3 * VIEWERS
    assert shard.state.viewers.count < 12_000
    assert len(shard.state.presence.owner) <= 2
    assert max(sizes[-7:]) < 1.25 * max(sizes[:12])
