"""NautilusTrader beside the accounts bench: what one quote costs until the account that holds it is valued again.

One margin account with eight open positions in eight instruments; every quote goes into the cache and the portfolio,
then the account's unrealised result is asked for. Prints nanoseconds of one quote, and of the parts, as JSON.
What it leaves out: thresholds, alerts, a journal; it values one account, not all holders of the instrument.
"""

import json
import sys
import time
from decimal import Decimal

from nautilus_trader import __version__
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import MessageBus, TestClock
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import QuoteTick
from nautilus_trader.model.enums import OmsType, OrderSide
from nautilus_trader.model.identifiers import AccountId, PositionId, StrategyId, Symbol, TradeId, TraderId, Venue, VenueOrderId
from nautilus_trader.model.objects import AccountBalance, Money, Price, Quantity
from nautilus_trader.model.position import Position
from nautilus_trader.portfolio.portfolio import Portfolio
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.test_kit.stubs.events import TestEventStubs
from nautilus_trader.common.factories import OrderFactory

PAIRS = ["EUR/USD", "GBP/USD", "AUD/USD", "NZD/USD", "SEK/USD", "NOK/USD", "SGD/USD", "CHF/USD"]
QUOTES = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000


def main():
    clock = TestClock()
    trader = TraderId("BENCH-001")
    bus = MessageBus(trader_id=trader, clock=clock)
    cache = Cache()
    portfolio = Portfolio(msgbus=bus, cache=cache, clock=clock)
    venue = Venue("SIM")
    portfolio.update_account(TestEventStubs.margin_account_state(account_id=AccountId("SIM-000")))
    factory = OrderFactory(trader_id=trader, strategy_id=StrategyId("S-001"), clock=clock)
    instruments = [TestInstrumentProvider.default_fx_ccy(pair, venue) for pair in PAIRS]
    for number, instrument in enumerate(instruments):
        cache.add_instrument(instrument)
        cache.add_quote_tick(tick(instrument, 1.0))
        order = factory.market(instrument.id, OrderSide.BUY, Quantity.from_int(100_000))
        fill = TestEventStubs.order_filled(
            order,
            instrument=instrument,
            position_id=PositionId(f"P-{number}"),
            strategy_id=StrategyId("S-001"),
            last_px=Price.from_str("1.00000"),
        )
        position = Position(instrument=instrument, fill=fill)
        cache.add_position(position, OmsType.HEDGING)
        portfolio.update_position(TestEventStubs.position_opened(position))
    ticks = [tick(instruments[n % 8], 1.0 + (n % 17) * 1e-5) for n in range(1024)]
    # All instruments have moved once before anything is timed.
    for one in ticks[:64]:
        cache.add_quote_tick(one)
        portfolio.update_quote_tick(one)
    updated = measure(ticks, lambda one: (cache.add_quote_tick(one), portfolio.update_quote_tick(one)))
    valued = measure(
        ticks,
        lambda one: (
            cache.add_quote_tick(one),
            portfolio.update_quote_tick(one),
            portfolio.unrealized_pnls(venue),
        ),
    )
    value = portfolio.unrealized_pnls(venue)[USD]
    assert value.as_double() != 0.0, "the account is valued"
    print(json.dumps({"version": __version__, "quote_ns": updated, "valued_ns": valued, "quotes": QUOTES}))


def tick(instrument, price):
    return QuoteTick(
        instrument_id=instrument.id,
        bid_price=Price(price, instrument.price_precision),
        ask_price=Price(price + 0.0001, instrument.price_precision),
        bid_size=Quantity.from_int(1_000_000),
        ask_size=Quantity.from_int(1_000_000),
        ts_event=0,
        ts_init=0,
    )


def measure(ticks, step):
    start = time.perf_counter_ns()
    for number in range(QUOTES):
        step(ticks[number & 1023])
    return (time.perf_counter_ns() - start) / QUOTES


main()
