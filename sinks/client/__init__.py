"""Python client of the gateway: snapshots, gap-proof updates, resume, actions, a replay's bar.

async with LiveroomClient(url, token) as client:
    async for update in client.room("t1/r1"):
        print(update.state["session.gmv_paid"])
"""

from sinks.client.client import LiveroomClient, RpcError
from sinks.client.state import Update
from sinks.client.subscription import Subscription

__all__ = ["LiveroomClient", "RpcError", "Subscription", "Update"]
