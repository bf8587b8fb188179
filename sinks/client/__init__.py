"""Python client of the gateway: snapshots, gap-proof updates, resume, alerts' actions.

async with LiveroomClient(url, token) as client:
    async for update in client.room("t1/r1"):
        print(update.state["session.gmv_paid"])
"""

from sinks.client.client import LiveroomClient, RpcError, Subscription
from sinks.client.state import Update

__all__ = ["LiveroomClient", "RpcError", "Subscription", "Update"]
