"""Examples that stand in the OpenAPI document; a test posts them."""

ONE = {
    "channel": "hotline",
    "external_id": "12345-2026-000123",
    "title": "小区电梯坏了一周没人修",
    "text": "桂花苑小区3栋的电梯坏了一个星期，老人上下楼很困难，物业一直说在等配件，请尽快处理。",
    "submitted_at": "2026-11-20T09:12:00+08:00",
    "citizen": {"kind": "person", "name": "王某", "phone": "19999012345", "confidential": False},
    "place": {"address": "桂花苑小区3栋", "region": "990105"},
    "language": "zh",
}
