"""Right inputs, from which wrong ones are made."""

import json
from typing import Final

_CLOUD: Final = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/douyin/room/77",
    "type": "com.example.live.gift.v1",
    "time": "2026-01-02T03:04:05.678+08:00",
    "tenant": "t1",
    "data": {"raw_user_id": "u1", "qty": 3, "amount_minor": 30},
}
_ORDER: Final = {
    **_CLOUD,
    "id": "e2",
    "type": "com.shop.order.paid.v1",
    "data": {
        "order_id": "o1",
        "product_id": "p1",
        "qty": 1,
        "amount_minor": 100,
        "currency": "CNY",
    },
}
_PUSH: Final = json.dumps(
    {
        "p_id": 4705288465508532862,
        "shop_id": "9",
        "pay_time": 1618990587,
        "pay_amount": 2990,
        "create_time": 1618990500,
        "order_status": 2,
    }
)
_PUSHES: Final = [
    {"tag": tag, "msg_id": f"m{tag}", "data": _PUSH}
    for tag in ("100", "101", "102", "110", "111", "200", "206", "208", "400")
]
_XML_HEAD: Final = (
    "<i><metadata><room_id>5</room_id><room_title>t</room_title>"
    "<record_start_time>2025-03-12T21:54:41+08:00</record_start_time></metadata>"
)
_XML: Final = (
    f"{_XML_HEAD}"
    '<d p="0,1,25,1,1741787673905,0,a,1" uid="0" user="x">hi &amp; 你好</d>'
    '<gift ts="1.5" uid="9" user="u" giftname="g" giftcount="3" cointype="金瓜子" price="100"/>'
    '<sc ts="0" uid="9" user="u" price="30" time="6">hi</sc>'
    '<guard ts="3" uid="9" user="u" level="3" count="1"/></i>'
)
_UCI_HEAD: Final = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
_OTTO: Final = (
    '{"session":7,"events":[{"aid":1,"ts":1659304800025,"type":"clicks"},'
    '{"aid":1,"ts":1659304900000,"type":"carts"},{"aid":1,"ts":1659305000000,"type":"orders"}]}'
)

DOCUMENTS: Final[dict[str, tuple[bytes, ...]]] = {
    "cloudevents": (
        json.dumps(_CLOUD).encode(),
        json.dumps([_CLOUD, _ORDER]).encode(),
        f"{json.dumps(_CLOUD)}\n{json.dumps(_ORDER)}\n".encode(),
    ),
    "uci": (
        (
            f"{_UCI_HEAD}1,P,CUP,6,2010-12-01 08:26:00,2.55,17850.0,France\n"
            "C9,P,CUP,-2,2010-12-01 08:26:00,0.29,1,X\n"
            '536589,21777,"a, ""b""",-10,2010-12-01 16:50:00,0.0,,X\n'
        ).encode(),
    ),
    "otto": (_OTTO.encode(), f"{_OTTO}\n{_OTTO}\n".encode()),
    "bilibili-xml": (_XML.encode(), f"{_XML_HEAD}</i>".encode()),
    "doudian": (json.dumps(_PUSHES).encode(), json.dumps(_PUSHES[3]).encode()),
}
"""Documents by format name; each is read without an unreadable record or with few."""

COMMANDS: Final[tuple[dict[str, object], ...]] = (
    {"type": "connect", "id": 1, "token": "good", "sdk": "py/1"},
    {"type": "sub", "id": 2, "ch": "room:t1/r1", "since": {"e": "a", "s": 3}, "rate_ms": 100},
    {"type": "sub", "id": 3, "ch": "alerts:t1/t1"},
    {"type": "sub_many", "id": 4, "subs": [{"ch": "room:t1/r2"}, {"ch": "split:t1/r2/product"}]},
    {"type": "unsub", "id": 5, "ch": "room:t1/r1"},
    {"type": "resync", "id": 6, "ch": "room:t1/r1"},
    {"type": "auth", "id": 7, "token": "good"},
    {"type": "renew", "id": 8},
    {"type": "pong", "t": 1},
    {"type": "ping", "id": 9},
    {"type": "list", "id": 10, "kind": "room"},
    {
        "type": "rpc",
        "id": 11,
        "method": "snooze",
        "params": {"id": "x1", "tenant": "t1", "alert_id": "t1/a/1", "snooze_ms": 60000},
    },
    {
        "type": "rpc",
        "id": 12,
        "method": "not_useful",
        "params": {"id": "x2", "tenant": "t1", "alert_id": "t1/a/2", "text": "why?"},
    },
)
"""Commands of a client, all well formed."""
