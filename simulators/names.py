"""Names, prices and sentences of the simulated shops. All invented."""

from typing import Final

ROOM_TITLES: Final = (
    "晨光美妆直播间",
    "暖家百货专场",
    "轻食零食铺",
    "山野户外旗舰",
    "小满母婴好物",
    "云上女装精选",
    "老巷茶舍",
    "数码试验室",
    "匠心厨具馆",
    "青禾生鲜直采",
)
HOST_NAMES: Final = (
    "小夏",
    "阿哲",
    "苗苗",
    "大海",
    "晚晚",
    "老周",
    "安安",
    "豆子",
    "北北",
    "林姐",
)
PRODUCTS: Final = (
    ("玻尿酸补水面膜 20片", 5990, 2100),
    ("丝绒哑光口红", 8900, 2600),
    ("氨基酸洁面乳 150g", 4590, 1500),
    ("轻薄羽绒服", 39900, 18500),
    ("每日坚果礼盒 30包", 9990, 5200),
    ("不粘炒锅 32cm", 15900, 7300),
    ("无线降噪耳机", 29900, 14800),
    ("儿童保温杯 500ml", 6990, 2700),
    ("高山乌龙茶 250g", 12800, 4900),
    ("纯棉四件套", 25900, 11900),
    ("防晒霜 SPF50+", 7900, 2400),
    ("挂脖小风扇", 4990, 1900),
)
CHANNELS: Final = ("feed", "paid", "follow", "search", "short_video")
CHANNEL_WEIGHTS: Final = (0.46, 0.22, 0.14, 0.06, 0.12)
SEGMENTS: Final = ("new", "returning", "member")
SEGMENT_WEIGHTS: Final = (0.62, 0.28, 0.10)
PLATFORMS: Final = ("douyin", "taobao", "kuaishou")
CURRENCY: Final = "CNY"

COMMENTS: Final = (
    "主播好",
    "这个好看",
    "已下单",
    "多少钱",
    "有优惠券吗",
    "什么时候发货",
    "适合敏感肌吗",
    "来了来了",
    "讲一下1号链接",
    "真的好用吗",
    "回购第三次了",
    "包邮吗",
    "有小样吗",
    "喜欢",
    "尺码怎么选",
    "价格太香了",
    "求返场",
    "支持七天无理由吗",
    "颜色还有别的吗",
    "冲",
    "666",
    "保质期多久",
    "想要",
    "库存还有吗",
    "主播试一下",
    "谢谢主播",
    "能便宜点吗",
    "好划算",
)
NEGATIVE_COMMENTS: Final = (
    "怎么还不发货",
    "是不是假货",
    "退款不给退",
    "质量太差了",
    "客服没人理",
    "收到就坏了",
    "骗人的吧",
    "用了过敏",
    "虚假宣传",
    "再也不买了",
    "投诉你们",
    "色差太大",
)
BOT_COMMENT: Final = "加群领红包 私信我"
VIOLATIONS: Final = ("使用绝对化用语", "疑似站外引流", "画面长时间静止")


def room_title(room: int) -> str:
    """Title of a room; numbers are added when the list is used up."""
    return _numbered(ROOM_TITLES, room)


def host_name(host: int) -> str:
    """Name of a host."""
    return _numbered(HOST_NAMES, host)


def product_title(product: int) -> str:
    """Title of a product."""
    return _numbered(tuple(entry[0] for entry in PRODUCTS), product)


def product_price_minor(product: int) -> int:
    """List price of one unit."""
    return PRODUCTS[product % len(PRODUCTS)][1] + 100 * (product // len(PRODUCTS))


def product_cost_minor(product: int) -> int:
    """Purchase cost of one unit."""
    return PRODUCTS[product % len(PRODUCTS)][2]


def _numbered(names: tuple[str, ...], index: int) -> str:
    round_, place = divmod(index, len(names))
    return names[place] if round_ == 0 else f"{names[place]} {round_ + 1}"
