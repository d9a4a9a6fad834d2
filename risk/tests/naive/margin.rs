//! The twin's margin: every rule written out in exact fractions.

use super::*;
use siaga_risk::units::Ratio;

/// A quantity, its margin before rates, and with rates and factors.
#[derive(Clone, Copy)]
struct Leg {
    qty: i64,
    base: Exact,
    charged: Exact,
}

/// What is charged: exact amount before leverage, and the lots that count, in hundredths.
#[derive(Clone, Copy)]
struct Piece {
    amount: Exact,
    lots: Exact,
}

fn share(ratio: Ratio) -> Exact {
    Exact::new(i128::from(ratio.0), 1_000_000_000_000)
}

fn part(num: i64, den: i64) -> Exact {
    Exact::new(i128::from(num), i128::from(den))
}

impl Leg {
    const NONE: fn() -> Leg = || Leg {
        qty: 0,
        base: Exact::whole(0),
        charged: Exact::whole(0),
    };

    fn plus(self, other: Leg) -> Leg {
        Leg {
            qty: self.qty + other.qty,
            base: self.base.plus(other.base),
            charged: self.charged.plus(other.charged),
        }
    }

    fn whole(self) -> Vec<Piece> {
        if self.qty == 0 {
            return Vec::new();
        }
        vec![Piece {
            amount: self.charged,
            lots: Exact::whole(self.qty),
        }]
    }

    fn rate(self) -> Exact {
        self.charged.over(self.base)
    }
}

impl Exact {
    fn over(self, other: Exact) -> Exact {
        self.times(Exact::new(other.den, other.num))
    }
}

/// Uncovered lots at the larger side's average, covered ones at the average of all with half the contract and the mean rate.
fn hedged(long: Leg, short: Leg) -> Vec<Piece> {
    let (large, small) = if long.qty >= short.qty {
        (long, short)
    } else {
        (short, long)
    };
    if small.qty == 0 {
        return large.whole();
    }
    let open = large.qty - small.qty;
    let mean = large.rate().plus(small.rate()).times(part(1, 2));
    let all = large.base.plus(small.base);
    vec![
        Piece {
            amount: large.charged.times(part(open, large.qty)),
            lots: Exact::whole(open),
        },
        Piece {
            amount: all
                .times(part(small.qty, large.qty + small.qty))
                .times(mean)
                .times(part(1, 2)),
            lots: part(small.qty, 2),
        },
    ]
}

fn excess(long: Leg, short: Leg) -> Vec<Piece> {
    let (large, small) = if long.qty >= short.qty {
        (long, short)
    } else {
        (short, long)
    };
    let open = large.qty - small.qty;
    if open == 0 {
        return Vec::new();
    }
    vec![Piece {
        amount: large.charged.times(part(open, large.qty)),
        lots: Exact::whole(open),
    }]
}

/// One over a leverage.
fn one_over(leverage: Leverage) -> Exact {
    Exact::new(100_000_000, i128::from(leverage.0))
}

fn rounded(pieces: &[Piece], leverage: Leverage) -> i64 {
    pieces
        .iter()
        .map(|piece| piece.amount.times(one_over(leverage)).round())
        .sum()
}

fn sum(pieces: &[Piece]) -> Piece {
    let nothing = Piece {
        amount: Exact::whole(0),
        lots: Exact::whole(0),
    };
    pieces.iter().fold(nothing, |sum, piece| Piece {
        amount: sum.amount.plus(piece.amount),
        lots: sum.lots.plus(piece.lots),
    })
}

impl Twin {
    /// The factor on a position opened then, or on an order.
    pub(super) fn factor(&self, id: InstrumentId, opened: Option<Ts>) -> Exact {
        let mut factor = Ratio::ONE;
        if self.halted.contains(&id) {
            factor = factor.max(Ratio::percent(200));
        }
        let open = |window: &&Requirement| {
            window.instrument == id && window.from <= self.now && self.now < window.until
        };
        for window in self.windows.iter().filter(open) {
            let reached = match (opened, window.held) {
                (None, _) | (_, HeldPolicy::AtOnce) => true,
                (Some(opened), _) if opened >= window.from => true,
                (_, HeldPolicy::AfterGrace) => self.now.0 >= window.from.0 + window.grace_ns,
                (_, HeldPolicy::Keep) => false,
            };
            if reached {
                factor = factor.max(window.factor);
            }
        }
        share(factor)
    }

    fn legs(&self, account: u32, id: InstrumentId, soft: bool) -> [Leg; 4] {
        let margin = &self.terms[&id].margin;
        let mine = &self.accounts[&account];
        let factor = |opened| {
            if soft {
                self.factor(id, opened)
            } else {
                Exact::whole(1)
            }
        };
        let leg = |qty, base: Exact, rate, factor: Exact| Leg {
            qty,
            base,
            charged: base.times(share(rate)).times(factor),
        };
        let held = |side: Side| {
            let rate = if side == Side::Buy {
                margin.hold_buy
            } else {
                margin.hold_sell
            };
            let all = mine
                .held
                .iter()
                .filter(|held| held.instrument == id && held.side == side);
            all.fold(Leg::NONE(), |sum, held| {
                let base = self.base(account, id, held.qty, held.cost, held.rate);
                // Each lot by its own time.
                let factors = held
                    .lots
                    .iter()
                    .map(|(opened, qty)| factor(Some(*opened)).times(part(*qty, held.qty)));
                let factor = factors.fold(Exact::whole(0), Exact::plus);
                sum.plus(leg(held.qty, base, rate, factor))
            })
        };
        let resting = |side: Side| {
            let rates = if side == Side::Buy {
                margin.buy
            } else {
                margin.sell
            };
            // What waits in the core and only closes is taken away before it could open anything.
            let open = |order: &&Resting| order.market || !order.closing;
            let all = mine
                .resting
                .iter()
                .filter(|order| order.instrument == id && order.side == side)
                .filter(open);
            all.fold(Leg::NONE(), |sum, order| {
                let cost = i128::from(order.qty) * i128::from(order.price);
                let base = self.base(account, id, order.qty, cost, order.rate);
                let rate = if order.market {
                    rates.market
                } else {
                    rates.limit
                };
                sum.plus(leg(order.qty, base, rate, factor(None)))
            })
        };
        [
            held(Side::Buy),
            held(Side::Sell),
            resting(Side::Buy),
            resting(Side::Sell),
        ]
    }

    /// A netting account holds one side; what is in flight on the other first closes it, as with the rule Net.
    fn hedge(&self, account: u32, id: InstrumentId) -> HedgeRule {
        if self.accounts[&account].netting {
            HedgeRule::Net
        } else {
            let own = self.rules.get(&account).and_then(|rules| rules.hedge);
            own.or(self.group.margin.hedge)
                .unwrap_or(self.terms[&id].margin.hedge)
        }
    }

    /// What is held, and what waiting orders add.
    fn pieces(&self, account: u32, id: InstrumentId, soft: bool) -> (Vec<Piece>, Vec<Piece>) {
        let [long, short, buying, selling] = self.legs(account, id, soft);
        let leverage = self.accounts[&account].leverage;
        let on_top = || [buying.whole(), selling.whole()].concat();
        let above = |held: &[Piece], others: [Vec<Piece>; 2]| {
            let mut worst = held.to_vec();
            for other in others {
                if rounded(&other, leverage) > rounded(&worst, leverage) {
                    worst = other;
                }
            }
            let (all, held) = (sum(&worst), sum(held));
            let minus = Exact::whole(-1);
            vec![Piece {
                amount: all.amount.plus(held.amount.times(minus)),
                // Turning round may leave fewer lots that cost more.
                lots: if all.lots.below(held.lots) {
                    Exact::whole(0)
                } else {
                    all.lots.plus(held.lots.times(minus))
                },
            }]
        };
        match self.hedge(account, id) {
            HedgeRule::Basic => (hedged(long, short), on_top()),
            HedgeRule::Sum => ([long.whole(), short.whole()].concat(), on_top()),
            HedgeRule::LargerLeg | HedgeRule::Max => {
                let larger = |a: Vec<Piece>, b: Vec<Piece>| {
                    if rounded(&b, leverage) > rounded(&a, leverage) {
                        b
                    } else {
                        a
                    }
                };
                let held = larger(long.whole(), short.whole());
                let longs = [long.whole(), buying.whole()].concat();
                let shorts = [short.whole(), selling.whole()].concat();
                let raised = above(&held, [longs, shorts]);
                (held, raised)
            }
            HedgeRule::Net => {
                let held = excess(long, short);
                let raised = above(
                    &held,
                    [
                        excess(long.plus(buying), short),
                        excess(long, short.plus(selling)),
                    ],
                );
                (held, raised)
            }
        }
    }

    /// Used margin, plain and with the factors of halts and windows.
    pub fn used(&self, account: u32) -> (i64, i64) {
        (
            self.used_with(account, false),
            self.used_with(account, true),
        )
    }

    fn used_with(&self, account: u32, soft: bool) -> i64 {
        let leverage = self.accounts[&account].leverage;
        let mut used = 0;
        for (id, terms) in &self.terms {
            let hedge = self.hedge(account, *id);
            let (held, raised) = self.pieces(account, *id, soft);
            let rule = self.tiers.as_ref().and_then(|tiers| {
                tiers.rules.iter().find(|rule| {
                    rule.instruments.is_empty() || rule.instruments.contains(&terms.id)
                })
            });
            used += match rule {
                Some(rule) => tiered(rule, sum(&held), sum(&raised), leverage),
                // What orders add is the difference of two sums that are rounded by components.
                None if matches!(hedge, HedgeRule::Basic | HedgeRule::Sum) => {
                    rounded(&held, leverage) + rounded(&raised, leverage)
                }
                None => {
                    let [long, short, buying, selling] = self.legs(account, *id, soft);
                    let worst = if hedge == HedgeRule::Net {
                        rounded(&excess(long.plus(buying), short), leverage)
                            .max(rounded(&excess(long, short.plus(selling)), leverage))
                    } else {
                        let leg =
                            |a: Leg, b: Leg| rounded(&[a.whole(), b.whole()].concat(), leverage);
                        leg(long, buying).max(leg(short, selling))
                    };
                    worst.max(rounded(&held, leverage))
                }
            };
        }
        used
    }
}

/// Positions fill the bands first, then orders, at the average margin of a lot.
fn tiered(rule: &TierRule, held: Piece, raised: Piece, leverage: Leverage) -> i64 {
    let all = held.lots.plus(raised.lots);
    if all == Exact::whole(0) {
        return 0;
    }
    let unit = held
        .amount
        .plus(raised.amount)
        .over(all)
        .times(one_over(leverage));
    let (mut filled, mut total) = (Exact::whole(0), Exact::whole(0));
    for (lots, ratio) in [
        (
            held.lots,
            (|band: &Band| band.maintenance) as fn(&Band) -> Ratio,
        ),
        (raised.lots, |band: &Band| band.initial),
    ] {
        let mut below = Exact::whole(0);
        let until = filled.plus(lots);
        for band in &rule.bands {
            // Bands are in 10^-8 lots, quantities in hundredths.
            let end = if band.to == 0 {
                until
            } else {
                Exact::new(i128::from(band.to), 1_000_000)
            };
            let (from, to) = (
                if below.below(filled) { filled } else { below },
                if end.below(until) { end } else { until },
            );
            if from.below(to) {
                let take = to.plus(from.times(Exact::whole(-1)));
                total = total.plus(unit.times(take).times(share(ratio(band))));
            }
            below = end;
        }
        filled = until;
    }
    total.round()
}
