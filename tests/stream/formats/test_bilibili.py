from collections import Counter

from tests.stream.formats.support import read, shared_data

HEAD = (
    "<i><metadata><room_id>5</room_id><room_title>t</room_title>"
    "<record_start_time>2025-03-12T21:54:41+08:00</record_start_time></metadata>"
)


def test_every_element_of_the_recorded_sample_is_read() -> None:
    data = shared_data("bilibili_xml", "sample.xml").read_bytes()
    events, bad = read("bilibili-xml", data)
    assert not bad
    counts = Counter(event.type for event in events)
    assert counts == {"room_status": 1, "comment": 126, "gift": 33}
    # Two comments stand twice in the file, with the same id: one event for the engine.
    assert len({event.event_id for event in events}) == len(events) - 2
    guard = [event for event in events if event.amount_minor == 19_800]
    assert len(guard) == 1  # 198,000 gold seeds are 198 yuan
    assert sum(event.identity == "masked" for event in events) > 100


def test_two_equal_gifts_are_two_gifts_and_silver_is_no_money() -> None:
    gift = '<gift ts="1.5" uid="9" user="u" giftname="g" giftcount="3" cointype="{}" price="100"/>'
    gold, silver = gift.format("金瓜子"), gift.format("银瓜子")
    events, _ = read("bilibili-xml", (HEAD + gold + gold + silver + "</i>").encode())
    gifts = events[1:]
    assert [event.amount_minor for event in gifts] == [30, 30, None]
    assert len({event.event_id for event in gifts}) == 3
    assert gifts[0].event_time_ms == 1_741_787_682_500
    assert gifts[0].identity == "stable"


def test_a_super_chat_is_a_comment_and_a_gift_in_yuan() -> None:
    chat = '<sc ts="0" uid="9" user="u" price="30" time="6">hi</sc></i>'
    events, _ = read("bilibili-xml", (HEAD + chat).encode())
    assert [(event.type, event.amount_minor) for event in events[1:]] == [
        ("comment", None),
        ("gift", 3000),
    ]


def test_the_session_opens_no_later_than_the_first_comment() -> None:
    comment = '<d p="0,1,25,1,1741787673905,0,a,1" uid="0" user="x">hi</d></i>'
    events, _ = read("bilibili-xml", (HEAD + comment).encode())
    assert events[0].type == "room_status"
    assert events[0].event_time_ms == 1_741_787_673_905


def test_broken_files_say_why_and_keep_what_was_readable() -> None:
    good = '<d p="0,1,25,1,1741787673905,0,a,1" uid="0" user="x">hi</d>'
    bad_element = '<gift ts="x" uid="0" user="u" giftcount="1" price="1"/>'
    events, bad = read("bilibili-xml", (HEAD + good + bad_element + "<d p=").encode())
    assert [event.type for event in events] == ["room_status", "comment"]
    assert [record.reason for record in bad] == ["element", "xml"]


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE i [<!ENTITY a "aaaa">]><i>&a;</i>'
    events, bad = read("bilibili-xml", bomb)
    assert not events
    assert [record.reason for record in bad] == ["doctype"]
