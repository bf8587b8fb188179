import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulators.columns import Col, block, by_time, join
from simulators.presence import PRESENCE_TTL_S, online_by_second

visits = st.lists(
    st.tuples(
        st.integers(0, 900_000), st.integers(1, 4), st.sampled_from(["enter", "leave", "comment"])
    ),
    max_size=25,
)


@given(visits)
def test_online_equals_the_definition(rows: list[tuple[int, int, str]]) -> None:
    blocks = [
        block(kind, np.array([at_ms]), {Col.USER: np.array([user])}) for at_ms, user, kind in rows
    ]
    online = online_by_second(by_time(join(blocks)), 0, 900_000)
    assert len(online) == 900
    for second in range(0, 900, 37):
        count = 0
        for user in range(1, 5):
            mine = [(at // 1_000, kind) for at, who, kind in rows if who == user]
            seen = [at for at, kind in mine if kind != "leave" and at <= second]
            left = [at for at, kind in mine if kind == "leave" and at <= second]
            last = max(seen, default=None)
            if last is not None and second - last < PRESENCE_TTL_S:
                count += max(left, default=-1) < last
        assert online[second] == count
