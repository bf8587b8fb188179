from collections import Counter

from stream.formats import Rejects, read_events
from tests.stream.formats.support import KEY, lines, read, shared_data


def test_the_documented_samples_are_read_or_counted() -> None:
    rejects = Rejects()
    folder = shared_data("doudian_push_fixtures")
    read_lines = lines(read_events(folder, "auto", KEY, rejects))
    types = Counter(str(line["type"]) for line in read_lines if line["type"] != "tick")
    assert types == {
        "order_created": 1,
        "order_paid": 1,
        "order_cancelled": 1,
        "refund_requested": 1,
        "refund_succeeded": 1,
    }
    assert rejects.by_reason == {"unsupported": 25}


def test_tag_ids_and_data_may_be_text_or_numbers() -> None:
    data = (
        b'\xef\xbb\xbf[{"tag":"110","msg_id":"m","data":"{\\"p_id\\":4705288465508532862,'
        b'\\"shop_id\\":\\"9\\",\\"pay_time\\":1618990587,\\"pay_amount\\":2990}"}]'
    )
    events, bad = read("doudian", data)
    assert not bad
    (paid,) = events
    assert (paid.order_id, paid.tenant, paid.room_id) == ("4705288465508532862", "9", None)
    assert (paid.amount_minor, paid.event_time_ms) == (2990, 1_618_990_587_000)


def test_malformed_messages_are_counted() -> None:
    data = b'[1,{"tag":110,"msgId":"m","data":{}},{"tag":110,"msgId":"m","data":{"shop_id":1,'
    data += b'"p_id":1,"pay_time":1618990587,"pay_amount":29.9}}] {"tag":'
    events, bad = read("doudian", data)
    assert not events
    assert [record.reason for record in bad] == ["message"] * 3 + ["json"]


def test_half_a_surrogate_is_kept_as_an_escape() -> None:
    events, bad = read("doudian", b'{"tag":"1","msg_id":"\\ud800"}')
    assert not events
    assert [record.reason for record in bad] == ["unsupported"]
    assert b"\\ud800" in bad[0].raw


def test_half_a_surrogate_in_a_field_is_no_event() -> None:
    data = b'{"tag":"110","msg_id":"m","data":"{\\"p_id\\":\\"\\\\udc00\\",\\"shop_id\\":\\"9\\",'
    data += b'\\"pay_time\\":1618990587,\\"pay_amount\\":2990}"}'
    events, bad = read("doudian", data)
    assert not events
    assert [(record.reason, record.detail) for record in bad] == [
        ("message", "half a surrogate pair")
    ]
