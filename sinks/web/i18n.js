/**
 * Every word of the pages, once, in both languages. `%s` takes the arguments in order.
 * Titles of metrics are not here: they come from the catalogue.
 */

const WORDS = {
  // shell
  cockpit: ["直播总览", "All rooms"],
  cockpit_rooms: ["%s 个直播间", "%s rooms"],
  console: ["中控台", "Console"],
  screen: ["大屏", "Big screen"],
  live: ["直播中", "LIVE"],
  ended: ["已结束", "ENDED"],
  waiting: ["等待数据", "Waiting"],
  elapsed: ["已播 %s", "On air %s"],
  ended_at: ["结束于 %s", "Ended %s"],
  host_is: ["主播 %s", "Host %s"],
  language: ["English", "中文"],
  language_label: ["Switch to English", "切换到中文"],
  age: ["数据延迟 %s 秒", "Data age %s s"],
  stale: ["数据停更，自 %s", "Stale since %s"],
  connecting: ["连接中…", "Connecting…"],
  refused: ["无权访问（%s）", "Access refused (%s)"],
  final_data: ["本场数据已定", "Session is final"],
  skip: ["跳到内容", "Skip to content"],
  token_title: ["需要访问令牌", "Access token needed"],
  token_hint: ["启动时打印在终端里，只保存在本标签页", "Printed at start; kept in this tab only"],
  token_label: ["令牌", "Token"],
  token_go: ["进入", "Enter"],
  no_rooms: ["还没有直播间", "No room yet"],
  // tiles
  tile_hero: ["成交金额", "GMV"],
  tile_trend: ["在线与成交趋势", "Online and sales by minute"],
  tile_funnel: ["成交漏斗", "Funnel"],
  tile_products: ["商品榜", "Products"],
  tile_hosts: ["主播榜", "Hosts"],
  tile_rooms: ["直播间榜", "Rooms"],
  tile_channels: ["流量渠道", "Traffic channels"],
  tile_conversion: ["分钟转化", "Conversion by minute"],
  tile_heat: ["互动热力", "Interaction heat"],
  tile_stock: ["库存与售罄预计", "Stock and time left"],
  tile_terms: ["评论热词", "Comment terms"],
  term_shares: ["提问 %s · 负面 %s", "ask %s · neg %s"],
  tile_alerts: ["预警", "Alerts"],
  tile_marks: ["节奏时间线", "Timeline"],
  tile_cards: ["各直播间", "Rooms live"],
  tile_all: ["全部指标", "All metrics"],
  tile_explained: ["正在讲解", "On air now"],
  nothing_explained: ["暂无讲解", "Nothing is being explained"],
  no_data: ["暂无数据", "No data yet"],
  no_chart: ["图表组件未安装", "Chart library not installed"],
  by_gmv: ["按成交额", "by GMV"],
  by_units: ["按件数", "by units"],
  units: ["%s 件", "%s units"],
  up: ["上升 %s 位", "up %s"],
  down: ["下降 %s 位", "down %s"],
  fresh: ["新上榜", "new"],
  same: ["不变", "unchanged"],
  online: ["在线", "Online"],
  gmv_minute: ["每分钟成交", "GMV per minute"],
  peak: ["峰值 %s", "peak %s"],
  now: ["现在", "now"],
  r5: ["近5分钟 %s", "last 5 min %s"],
  per_minute: ["每分钟", "per minute"],
  of_previous: ["上一步的 %s", "%s of the step before"],
  channel_unknown: ["未知", "Unknown"],
  channel_feed: ["推荐流", "Feed"],
  channel_paid: ["付费投放", "Paid"],
  channel_search: ["搜索", "Search"],
  channel_follow: ["关注页", "Following"],
  channel_share: ["分享", "Shared"],
  channel_short_video: ["短视频", "Short video"],
  channel_live_square: ["直播广场", "Live square"],
  channel_private: ["私域", "Own channels"],
  channel_other: ["其他", "Other"],
  channel_shop: ["店铺", "Shop"],
  card_online_now: ["在线", "Online"],
  card_orders_paid: ["订单", "Orders"],
  card_view_uv: ["观看", "Viewers"],
  card_aov_order: ["笔单价", "Avg order"],
  card_refund_rate: ["退款率", "Refunds"],
  card_cvr_view: ["转化率", "Conversion"],
  short_cvr_view: ["观看→成交", "View → pay"],
  short_cvr_click: ["点击→成交", "Click → pay"],
  // stock
  product: ["商品", "Product"],
  pool: ["库存池", "Pool"],
  available: ["可售", "Available"],
  reserved: ["锁定", "Reserved"],
  sold: ["已售", "Sold"],
  speed: ["5分钟速度", "Rate, 5 min"],
  eta: ["预计售罄", "Sells out in"],
  level: ["状态", "State"],
  level_ok: ["充足", "OK"],
  level_low: ["偏低", "Low"],
  level_out: ["售罄", "Sold out"],
  eta_now: ["已售罄", "sold out"],
  est_s: ["%s 秒", "%s s"],
  est_min_s: ["%s 分 %s 秒", "%s min %s s"],
  est_min: ["%s 分钟", "%s min"],
  est_h: ["%s 小时 %s 分", "%s h %s min"],
  est_more_h: ["%s 小时以上", "> %s h"],
  left: ["剩 %s", "%s left"],
  a_minute: ["%s/分", "%s/min"],
  // alerts
  severity: ["级别", "Severity"],
  critical: ["严重", "Critical"],
  warning: ["警告", "Warning"],
  info: ["提示", "Info"],
  all_quiet: ["一切正常，没有未处理预警", "All quiet: no open alerts"],
  open_alerts: ["未处理 %s", "%s open"],
  since: ["自 %s", "since %s"],
  value_now: ["现值 %s", "now %s"],
  baseline_is: ["平时 %s", "normally %s"],
  evidence: ["依据", "Evidence"],
  action: ["建议", "Suggested"],
  contributor: ["主要来源 %s", "mostly %s"],
  window_is: ["窗口 %s", "window %s"],
  ack: ["已知悉", "Acknowledge"],
  snooze: ["推迟10分钟", "Snooze 10 min"],
  not_useful: ["没有用", "Not useful"],
  state_firing: ["进行中", "firing"],
  state_acked: ["已知悉", "acknowledged"],
  state_snoozed: ["已推迟", "snoozed"],
  state_not_useful: ["标为没用", "marked not useful"],
  state_recovering: ["恢复中", "recovering"],
  state_resolved: ["已解除", "resolved"],
  state_pending: ["观察中", "pending"],
  sent: ["已发送", "Sent"],
  not_sent: ["未送达：%s", "Not sent: %s"],
  more: ["另有 %s 条", "%s more"],
  // kinds of marks and interactions
  explanation: ["讲解", "Explain"],
  promo: ["活动", "Promo"],
  shift: ["主播", "Host"],
  comment: ["评论", "Comments"],
  like: ["点赞", "Likes"],
  gift: ["礼物", "Gifts"],
  follow: ["关注", "Follows"],
  share_out: ["分享", "Shares"],
  fans_join: ["入团", "Fan club"],
  enter: ["进场", "Entries"],
  cart: ["加购", "Carts"],
  click: ["点击", "Clicks"],
  // time machine
  replay: ["回放", "Replay"],
  play: ["播放", "Play"],
  pause: ["暂停", "Pause"],
  fastest: ["最快", "max"],
  seeking: ["正在跳转…", "Jumping…"],
  replay_speed: ["速度", "Speed"],
  replay_minute: ["跳到某一分钟", "Jump to a minute"],
  replay_alert: ["跳到预警", "Jump to an alert"],
  replay_alerts: ["预警 %s", "Alerts %s"],
  replay_paused: ["回放已暂停", "Replay paused"],
  alert_before: ["上一条预警", "Alert before"],
  alert_after: ["下一条预警", "Next alert"],
  // roles
  role: ["视角", "View"],
  role_operator: ["运营", "Operator"],
  role_host: ["主播", "Host"],
  role_warehouse: ["仓库", "Warehouse"],
  role_finance: ["财务", "Finance"],
  role_boss: ["老板", "Boss"],
  room: ["直播间", "Room"],
  // what a value means
  means: ["“%s”是什么意思", "What “%s” means"],
  close: ["关闭", "Close"],
  formula: ["公式", "Formula"],
  numerator: ["分子", "Numerator"],
  denominator: ["分母", "Denominator"],
  window: ["窗口", "Window"],
  basis: ["口径", "Basis"],
  time_basis: ["时间口径", "Time basis"],
  not_to_confuse: ["不要混同", "Not to be confused with"],
  status: ["状态", "Status"],
  provisional: ["实时，可能修正", "provisional, may still be corrected"],
  final: ["已定", "final"],
  as_of: ["截至", "As of"],
  version: ["版本", "Version"],
  value: ["数值", "Value"],
  not_in_catalogue: ["目录里没有这个指标", "Not in the catalogue"],
  window_session: ["本场累计", "session to date"],
  window_m1: ["本分钟", "this minute"],
  window_r1: ["近1分钟", "last minute"],
  window_r5: ["近5分钟", "last 5 minutes"],
  window_r10: ["近10分钟", "last 10 minutes"],
};

const INDEX = { zh: 0, en: 1 };

/** Languages the pages speak; the first is the default where the browser asks for neither. */
export const LANGUAGES = Object.keys(INDEX);

/** @returns {boolean} whether a key exists: for keys made from data (`state_…`) */
export function has(key) {
  return Object.hasOwn(WORDS, key);
}

/** A function that says things in one language. @param {"zh"|"en"} lang */
export function speaker(lang) {
  const index = INDEX[lang];
  return (key, ...args) => {
    const words = WORDS[key];
    if (words === undefined) return key;
    let next = 0;
    return words[index].replace(/%s/g, () => String(args[next++]));
  };
}

/** The language asked for: address, then memory, then browser. */
export function chooseLanguage(query, remembered, browser) {
  for (const wish of [query, remembered, (browser || "").slice(0, 2)]) {
    if (LANGUAGES.includes(wish)) return wish;
  }
  return "en";
}
