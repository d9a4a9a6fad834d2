#!/usr/bin/env python3
"""Reference client of the bridge protocol (docs/bridge.md): a small broker in one file.

It connects to Siaga, takes prices and orders, fills market orders at the newest price, keeps limit orders
until their price comes, and reports back. With --held-by broker it also holds the protective prices of the
positions that its orders have opened on hedging accounts, and closes them by itself. It needs nothing but Python 3.9.

    BRIDGE_TOKEN=… bridge_client.py ws://127.0.0.1:7700/bridge/v1 --link 2

Options for tests: --orders N ends after N orders are done, --closes N after N closes of its own besides;
--break-after N cuts the connection when N orders have come, --break-closes N when it has closed N positions, then
it connects again and resumes; --mute makes it stop acknowledging. Events go to stdout as JSON lines.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import os
import struct
import sys
from decimal import Decimal
from urllib.parse import urlsplit

VERSION = 1
SUBPROTOCOL = "siaga.bridge.v1"
PING_SECONDS = 4


class Closed(Exception):
    """The connection is gone."""


class WebSocket:
    """The client's half of RFC 6455, text frames only."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, url):
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        tls = parts.scheme == "wss" or None
        reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=tls)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        magic = (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()
        accept = base64.b64encode(hashlib.sha1(magic).digest()).decode()
        if " 101 " not in head.split("\r\n")[0] + " " or accept not in head:
            raise Closed(head.split("\r\n")[0])
        return cls(reader, writer)

    async def send(self, text, opcode=1):
        data, mask = text.encode(), os.urandom(4)
        size = len(data)
        if size < 126:
            head = bytes([0x80 | opcode, 0x80 | size])
        elif size < 1 << 16:
            head = bytes([0x80 | opcode, 0xFE]) + struct.pack("!H", size)
        else:
            head = bytes([0x80 | opcode, 0xFF]) + struct.pack("!Q", size)
        masked = bytes(byte ^ mask[at & 3] for at, byte in enumerate(data))
        self.writer.write(head + mask + masked)
        await self.writer.drain()

    async def receive(self):
        text = b""
        while True:
            try:
                first, second = await self.reader.readexactly(2)
                size = second & 0x7F
                if size == 126:
                    (size,) = struct.unpack("!H", await self.reader.readexactly(2))
                elif size == 127:
                    (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
                data = await self.reader.readexactly(size)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                raise Closed("connection lost") from error
            opcode = first & 0x0F
            if opcode == 8:
                raise Closed(data[2:].decode(errors="replace") or "closed")
            if opcode == 9:
                await self.send(data.decode(errors="replace"), opcode=10)
            elif opcode in (0, 1):
                text += data
                if first & 0x80:
                    return text.decode()

    def cut(self):
        self.writer.transport.abort()


class Broker:
    """What the broker remembers. It outlives connections: that is what makes resuming work."""

    def __init__(self, options):
        self.options = options
        self.session, self.taken = None, 0
        self.reports, self.sent, self.acked = [], 0, 0
        self.quotes, self.orders, self.seen_orders, self.done = {}, {}, 0, 0
        self.positions, self.closes = {}, 0
        self.connections, self.broken = 0, False

    def hello(self):
        frame = {"t": "hello", "v": VERSION, "link": self.options.link, "token": self.options.token,
                 "client": "bridge_client.py", "held_by": self.options.held_by}
        if self.session:
            frame["resume"] = {"session": self.session, "in": self.taken}
        return frame

    def on_welcome(self, frame):
        self.connections += 1
        if frame["resumed"]:
            self.acked = frame["in"]
        else:
            # A new session knows nothing: say everything again, numbered from one. Execution ids stay.
            self.taken, self.acked = 0, 0
            for number, report in enumerate(self.reports, 1):
                report["n"] = number
        self.session, self.sent = frame["session"], self.acked

    def report(self, order, event, **fields):
        report = {"t": "report", "n": len(self.reports) + 1, "id": order, "event": event, **fields}
        self.reports.append(report)

    def on_quote(self, frame):
        self.quotes[frame["symbol"]] = (Decimal(frame["bid"]), Decimal(frame["ask"]))
        for order in [o for o in self.orders.values() if o["open"] and o["symbol"] == frame["symbol"]]:
            self.work(order)
        for number, held in self.positions.items():
            if held["symbol"] == frame["symbol"]:
                self.watch(number, held)

    def on_order(self, frame):
        if frame["id"] in self.orders:
            return
        self.seen_orders += 1
        order = self.orders[frame["id"]] = {**frame, "open": True}
        self.report(frame["id"], "accepted")
        self.work(order)

    def work(self, order):
        quote = self.quotes.get(order["symbol"])
        if quote is None:
            return
        price = quote[1] if order["side"] == "buy" else quote[0]
        limit = Decimal(order["price"]) if "price" in order else None
        if limit is not None and (price > limit if order["side"] == "buy" else price < limit):
            return
        self.end(order, "filled", exec="X-" + order["id"], qty=order["qty"], price=str(price))
        held = self.positions.get(order.get("position"))
        if held:
            held["qty"] -= Decimal(order["qty"])

    def on_opened(self, frame):
        """The house names a position: it is the one that an order of ours has opened."""
        order = self.orders.get(frame.get("id"))
        if order is None or frame["position"] in self.positions:
            return
        held = {"symbol": frame["symbol"], "side": frame["side"], "qty": Decimal(order["qty"]), "best": None}
        for name in ("stop_loss", "take_profit", "trailing"):
            held[name] = Decimal(order[name]) if name in order else None
        self.positions[frame["position"]] = held

    def on_protect(self, frame):
        held = self.positions.get(frame["position"])
        if held is None:
            return
        for name in ("stop_loss", "take_profit", "trailing"):
            held[name] = Decimal(frame[name]) if frame[name] is not None else None
        held["best"] = None

    def watch(self, number, held):
        """Closes a position whose protective price has come, once and whole."""
        bid, ask = self.quotes[held["symbol"]]
        price, sign = (bid, 1) if held["side"] == "buy" else (ask, -1)
        held["best"] = price if held["best"] is None else max(held["best"] * sign, price * sign) * sign
        stops = {"stop_loss": held["stop_loss"], "trailing": None}
        if held["trailing"] is not None:
            stops["trailing"] = held["best"] - sign * held["trailing"]
        hit = [name for name, stop in stops.items() if stop is not None and price * sign <= stop * sign]
        take = held["take_profit"]
        if take is not None and price * sign >= take * sign:
            hit.append("take_profit")
        if not hit or held["qty"] <= 0:
            return
        self.reports.append({"t": "closed", "n": len(self.reports) + 1, "position": number, "event": hit[0],
                             "exec": f"S-{number}", "qty": str(held["qty"]), "price": str(price)})
        held["qty"] = Decimal(0)
        self.closes += 1

    def end(self, order, event, **fields):
        order["open"], order["last"] = False, (event, fields)
        self.done += 1
        self.report(order["id"], event, **fields)

    def on_cancel(self, frame):
        order = self.orders.get(frame["id"])
        if order and order["open"]:
            self.end(order, "cancelled")
        else:
            self.report(frame["id"], "cancel_rejected", code=3004)

    def on_status(self, frame):
        order = self.orders.get(frame["id"])
        event, fields = ("unknown", {}) if order is None else order.get("last", ("accepted", {}))
        self.reports.append({"t": "status", "n": len(self.reports) + 1, "id": frame["id"], "event": event, **fields})


def tell(**event):
    print(json.dumps(event), flush=True)


async def flush(socket, broker):
    while broker.sent < len(broker.reports):
        await socket.send(json.dumps(broker.reports[broker.sent]))
        broker.sent += 1


async def keep_alive(socket):
    while True:
        await asyncio.sleep(PING_SECONDS)
        await socket.send('{"t":"ping"}')


async def on_frame(socket, broker, frame):
    kind = frame["t"]
    if kind == "welcome":
        broker.on_welcome(frame)
        tell(event="connected", resumed=frame["resumed"], session=frame["session"])
    elif kind == "quote":
        broker.on_quote(frame)
    elif kind == "ack":
        broker.acked = max(broker.acked, frame["n"])
    elif kind == "err":
        tell(event="fault", name=frame["name"], msg=frame["msg"])
        if frame["name"] == "sequence_gap":
            broker.sent = frame["expected"] - 1
    elif kind in ("order", "cancel", "opened", "protect", "status", "void"):
        if frame["n"] != broker.taken + 1:
            raise Closed(f"expected command {broker.taken + 1}, got {frame['n']}")
        broker.taken = frame["n"]
        handler = {"order": broker.on_order, "cancel": broker.on_cancel, "status": broker.on_status,
                   "opened": broker.on_opened, "protect": broker.on_protect}.get(kind)
        if handler:
            handler(frame)
            tell(event=kind, id=frame.get("id", frame.get("position")))
        if not broker.options.mute:
            await socket.send(json.dumps({"t": "ack", "n": broker.taken}))


async def run(broker):
    options = broker.options
    socket = await WebSocket.connect(options.url)
    alive = asyncio.create_task(keep_alive(socket))
    try:
        await socket.send(json.dumps(broker.hello()))
        while True:
            frame = json.loads(await socket.receive())
            await on_frame(socket, broker, frame)
            breaks = [(options.break_after, broker.seen_orders), (options.break_closes, broker.closes)]
            if not broker.broken and any(at and count >= at for at, count in breaks):
                # The worst moment: the order is done, the position closed, and nothing of it has been reported.
                broker.broken = True
                socket.cut()
                tell(event="broken")
                return
            await flush(socket, broker)
            everything = broker.acked == len(broker.reports)
            finished = broker.done >= options.orders and broker.closes >= options.closes
            if options.orders and finished and everything:
                tell(event="done", orders=broker.done, closes=broker.closes, connections=broker.connections)
                sys.exit(0)
    finally:
        alive.cancel()


async def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--link", type=int, required=True)
    parser.add_argument("--orders", type=int, default=0)
    parser.add_argument("--held-by", choices=("core", "broker"), default="core")
    parser.add_argument("--closes", type=int, default=0)
    parser.add_argument("--break-after", type=int, default=0)
    parser.add_argument("--break-closes", type=int, default=0)
    parser.add_argument("--mute", action="store_true")
    options = parser.parse_args()
    options.token = os.environ.get("BRIDGE_TOKEN", "")
    broker, wait = Broker(options), 0.1
    while True:
        try:
            await run(broker)
            wait = 0.1
        except (Closed, OSError) as error:
            tell(event="closed", reason=str(error))
            wait = min(wait * 2, 30)
        await asyncio.sleep(wait)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
