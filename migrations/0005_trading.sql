-- Orders as they stand, and what happened to positions and money. Amounts are minor units of the
-- account's currency, quantities lot steps, prices price steps.

CREATE TABLE orders (
    id bigint PRIMARY KEY,
    account bigint NOT NULL,
    instrument bigint NOT NULL,
    link integer NOT NULL,
    side text NOT NULL,
    kind text NOT NULL,
    tif text NOT NULL,
    qty bigint NOT NULL,
    price bigint,
    stop bigint,
    expires timestamptz,
    position bigint,
    reduce_only boolean NOT NULL,
    stop_loss bigint,
    take_profit bigint,
    trail bigint NOT NULL,
    client_id bytea NOT NULL,
    trader bigint NOT NULL,
    desk bigint NOT NULL,
    strategy bigint NOT NULL,
    origin text NOT NULL,
    state text NOT NULL,
    filled bigint NOT NULL,
    filled_value numeric(39) NOT NULL,
    reason integer NOT NULL,
    seen bigint NOT NULL,
    placed timestamptz NOT NULL,
    changed timestamptz NOT NULL,
    seq bigint NOT NULL,
    index bigint NOT NULL
);

CREATE INDEX orders_account ON orders (account, id DESC);
CREATE INDEX orders_open ON orders (id) WHERE state NOT IN ('filled', 'cancelled', 'rejected', 'expired', 'returned');

CREATE TABLE deals (
    seq bigint NOT NULL,
    index bigint NOT NULL,
    time timestamptz NOT NULL,
    order_id bigint NOT NULL,
    account bigint NOT NULL,
    instrument bigint NOT NULL,
    position bigint NOT NULL,
    side text NOT NULL,
    qty bigint NOT NULL,
    price bigint NOT NULL,
    commission bigint NOT NULL,
    realised bigint NOT NULL,
    balance bigint NOT NULL,
    origin text NOT NULL,
    exec bytea NOT NULL,
    PRIMARY KEY (seq, index)
);

CREATE INDEX deals_account ON deals (account, seq DESC, index DESC);
CREATE INDEX deals_order ON deals (order_id);
CREATE INDEX deals_position ON deals (position);

CREATE TABLE positions_closed (
    id bigint PRIMARY KEY,
    account bigint NOT NULL,
    instrument bigint NOT NULL,
    side text NOT NULL,
    open_price bigint NOT NULL,
    opened timestamptz NOT NULL,
    closed timestamptz NOT NULL,
    swap bigint NOT NULL,
    commission bigint NOT NULL,
    realised bigint NOT NULL,
    seq bigint NOT NULL
);

CREATE INDEX positions_closed_account ON positions_closed (account, seq DESC);

-- Every movement has two legs that sum to zero: the client's account and the house book against it.
CREATE TABLE cash_movements (
    seq bigint NOT NULL,
    index bigint NOT NULL,
    leg smallint NOT NULL,
    time timestamptz NOT NULL,
    account bigint NOT NULL,
    book text NOT NULL,
    kind text NOT NULL,
    amount bigint NOT NULL,
    balance bigint,
    credit bigint,
    reference bigint NOT NULL,
    PRIMARY KEY (seq, index, leg)
);

CREATE INDEX cash_movements_account ON cash_movements (account, seq DESC) WHERE leg = 0;

GRANT SELECT, INSERT, UPDATE, DELETE ON orders, deals, positions_closed, cash_movements TO siaga_app;
