-- Instruments as the core trades them, and closed bars of accepted quotes.

CREATE TABLE instruments (
    id bigint PRIMARY KEY,
    class text NOT NULL,
    price_digits smallint NOT NULL,
    qty_digits smallint NOT NULL,
    base bigint NOT NULL,
    quote bigint NOT NULL,
    contract_size bigint NOT NULL,
    contract_digits smallint NOT NULL,
    trade_mode text NOT NULL,
    leverage_max bigint NOT NULL,
    seq bigint NOT NULL
);

-- Prices are integers in the instrument's smallest step; mid is bid + ask, so it stays one too.
CREATE TABLE bars (
    instrument bigint NOT NULL,
    span smallint NOT NULL,
    start timestamptz NOT NULL,
    bid_open bigint NOT NULL,
    bid_high bigint NOT NULL,
    bid_low bigint NOT NULL,
    bid_close bigint NOT NULL,
    ask_open bigint NOT NULL,
    ask_high bigint NOT NULL,
    ask_low bigint NOT NULL,
    ask_close bigint NOT NULL,
    mid2_open bigint NOT NULL,
    mid2_high bigint NOT NULL,
    mid2_low bigint NOT NULL,
    mid2_close bigint NOT NULL,
    ticks bigint NOT NULL,
    volume bigint NOT NULL,
    late bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (instrument, span, start)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON instruments, bars TO siaga_app;
