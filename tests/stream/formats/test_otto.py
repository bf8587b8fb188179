from tests.stream.formats.support import read

LINE = (
    b'{"session":7,"events":[{"aid":1,"ts":1659304800025,"type":"clicks"},'
    b'{"aid":1,"ts":1659304900000,"type":"carts"},'
    b'{"aid":1,"ts":1659305000000,"type":"orders"},'
    b'{"aid":2,"ts":1659305000000,"type":"orders"}]}'
)


def test_the_three_actions_become_click_cart_and_placed_order() -> None:
    events, bad = read("otto", LINE)
    assert not bad
    assert [event.type for event in events] == [
        "product_click",
        "add_to_cart",
        "order_created",
        "order_created",
    ]
    assert len({event.user_id for event in events}) == 1


def test_orders_of_one_millisecond_are_lines_of_one_order_without_money() -> None:
    orders = read("otto", LINE)[0][-2:]
    assert orders[0].order_id == orders[1].order_id
    assert orders[0].line_id != orders[1].line_id
    assert orders[0].amount_minor is None


def test_bad_lines_and_actions_are_counted() -> None:
    data = b'{"session":1,"ev\n{"session":1,"events":[{"aid":1,"ts":5,"type":"clicks"},'
    data += b'{"aid":1,"ts":1659304800025,"type":"views"}]}\n' + LINE
    events, bad = read("otto", data)
    assert [record.reason for record in bad] == ["json", "time", "type"]
    assert len(events) == 4
