//! The twin's margin: every rule written out in exact fractions.

use super::*;
use siaga_risk::units::Ratio;

/// A quantity, its margin before rates, and with rates and factors; its value in cents.
#[derive(Clone, Copy)]
struct Leg {
    qty: i64,
    base: Exact,
    charged: Exact,
    value: Exact,
}

/// What is charged: exact amount before leverage, the lots that count, in hundredths, and the value that counts.
#[derive(Clone, Copy)]
struct Piece {
    amount: Exact,
    lots: Exact,
    value: Exact,
}

/// What an instrument brings into the bands of its rule.
struct Member {
    id: InstrumentId,
    held: Piece,
    raised: Piece,
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
        value: Exact::whole(0),
    };

    fn plus(self, other: Leg) -> Leg {
        Leg {
            qty: self.qty + other.qty,
            base: self.base.plus(other.base),
            charged: self.charged.plus(other.charged),
            value: self.value.plus(other.value),
        }
    }

    fn whole(self) -> Vec<Piece> {
        if self.qty == 0 {
            return Vec::new();
        }
        vec![Piece {
            amount: self.charged,
            lots: Exact::whole(self.qty),
            value: self.value,
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

/// Uncovered lots at the larger side's average, covered ones at the average of all with their share and the mean rate.
fn hedged(long: Leg, short: Leg, share: Exact) -> Vec<Piece> {
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
    let covered = part(small.qty, large.qty + small.qty);
    vec![
        Piece {
            amount: large.charged.times(part(open, large.qty)),
            lots: Exact::whole(open),
            value: large.value.times(part(open, large.qty)),
        },
        Piece {
            amount: all.times(covered).times(mean).times(share),
            lots: Exact::whole(small.qty).times(share),
            value: large.value.plus(small.value).times(covered).times(share),
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
        value: large.value.times(part(open, large.qty)),
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
        value: Exact::whole(0),
    };
    pieces.iter().fold(nothing, |sum, piece| Piece {
        amount: sum.amount.plus(piece.amount),
        lots: sum.lots.plus(piece.lots),
        value: sum.value.plus(piece.value),
    })
}

/// What one is above another; nothing when it is below.
fn above(one: Exact, other: Exact) -> Exact {
    if one.below(other) {
        Exact::whole(0)
    } else {
        one.plus(other.times(Exact::whole(-1)))
    }
}

fn by_value(rule: &TierRule) -> bool {
    matches!(rule.by, TierBy::Notional | TierBy::NotionalPerSymbol)
}

/// What of a piece fills the bands of a rule.
fn measure(rule: &TierRule, piece: Piece) -> Exact {
    if by_value(rule) {
        piece.value
    } else {
        piece.lots
    }
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

    /// The account's own leverage, or its group's; a band's own stands in place of the group's, and not above the
    /// account's. The caps on the class and the instrument hold all of them.
    fn leverage(&self, account: u32, id: InstrumentId, band: Leverage) -> Leverage {
        let terms = &self.terms[&id];
        let own = self.accounts[&account].leverage;
        let class = self.group.margin.caps[terms.margin.class as usize];
        let (wanted, bound) = match (band, own) {
            (Leverage::NONE, Leverage::NONE) => (self.group.leverage, Leverage::NONE),
            (Leverage::NONE, own) => (own, Leverage::NONE),
            (band, own) => (band, own),
        };
        let caps = [class, terms.leverage_max, bound].into_iter();
        caps.filter(|cap| *cap != Leverage::NONE)
            .fold(wanted, Leverage::min)
    }

    /// The rule whose bands an instrument fills.
    fn rule(&self, id: InstrumentId) -> Option<&TierRule> {
        let rules = &self.tiers.as_ref()?.rules;
        rules
            .iter()
            .find(|rule| rule.instruments.is_empty() || rule.instruments.contains(&id))
    }

    /// Value in cents of the rule's dollars, where a rule asks for it: of what is charged by its value the margin before
    /// leverage is that value already. Only accounts and instruments in dollars are put under such rules here.
    fn counted(&self, id: InstrumentId, (qty, cost): (i64, i128), base: Exact) -> Exact {
        if !self.rule(id).is_some_and(by_value) {
            return Exact::whole(0);
        }
        match self.fixed(id, false) {
            Some(_) => self.value(id, qty, cost).times(Exact::whole(100)),
            None => base,
        }
    }

    /// Share of their margin that covered lots are charged: what the terms say per covered lot over what a held lot is
    /// charged, or a share of the contract.
    fn covered(&self, id: InstrumentId) -> Exact {
        let terms = &self.terms[&id];
        match (self.fixed(id, true), terms.margin.fixed_hedged) {
            (Some(per_lot), Some(hedged)) => part(hedged.0, per_lot),
            _ => share(terms.margin_hedged),
        }
    }

    fn legs(&self, account: u32, id: InstrumentId, soft: bool) -> [Leg; 4] {
        let terms = &self.terms[&id];
        let margin = &terms.margin;
        let mine = &self.accounts[&account];
        let factor = |opened| {
            if soft {
                self.factor(id, opened)
            } else {
                Exact::whole(1)
            }
        };
        let leg = |(qty, cost), base: Exact, rate, factor: Exact| Leg {
            qty,
            base,
            charged: base.times(rate).times(factor),
            value: self.counted(id, (qty, cost), base),
        };
        let held = |side: Side| {
            let (opened, holds) = if side == Side::Buy {
                (margin.buy.market, margin.hold_buy)
            } else {
                (margin.sell.market, margin.hold_sell)
            };
            let rate = if self.holds_initial() {
                share(terms.margin_initial).times(share(opened))
            } else {
                share(terms.margin_maintenance).times(share(holds))
            };
            let all = mine
                .held
                .iter()
                .filter(|held| held.instrument == id && held.side == side);
            all.fold(Leg::NONE(), |sum, held| {
                let size = (held.qty, held.margin_cost);
                let base = self.base(account, id, size, held.rate, true);
                // Each lot by its own time.
                let factors = held
                    .lots
                    .iter()
                    .map(|(opened, qty)| factor(Some(*opened)).times(part(*qty, held.qty)));
                let factor = factors.fold(Exact::whole(0), Exact::plus);
                sum.plus(leg(size, base, rate, factor))
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
                let size = (order.qty, cost);
                let base = self.base(account, id, size, order.rate, false);
                let rate = if order.market {
                    rates.market
                } else {
                    rates.limit
                };
                let rate = share(terms.margin_initial).times(share(rate));
                sum.plus(leg(size, base, rate, factor(None)))
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
        let leverage = self.leverage(account, id, Leverage::NONE);
        let on_top = || [buying.whole(), selling.whole()].concat();
        let worse = |held: &[Piece], others: [Vec<Piece>; 2]| {
            let mut worst = held.to_vec();
            for other in others {
                if rounded(&other, leverage) > rounded(&worst, leverage) {
                    worst = other;
                }
            }
            let (all, held) = (sum(&worst), sum(held));
            // Turning round may leave fewer lots that cost more.
            vec![Piece {
                amount: above(all.amount, held.amount),
                lots: above(all.lots, held.lots),
                value: above(all.value, held.value),
            }]
        };
        match self.hedge(account, id) {
            HedgeRule::Basic => (hedged(long, short, self.covered(id)), on_top()),
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
                let raised = worse(&held, [longs, shorts]);
                (held, raised)
            }
            HedgeRule::Net => {
                let held = excess(long, short);
                let raised = worse(
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
        let mut used = 0;
        // By rule, and by instrument where each fills the bands by itself.
        let mut pools: BTreeMap<(u16, Option<InstrumentId>), Vec<Member>> = BTreeMap::new();
        for id in self.terms.keys().copied() {
            let leverage = self.leverage(account, id, Leverage::NONE);
            let hedge = self.hedge(account, id);
            let (held, raised) = self.pieces(account, id, soft);
            used += match self.rule(id) {
                Some(rule) => {
                    let alone =
                        matches!(rule.by, TierBy::VolumePerSymbol | TierBy::NotionalPerSymbol);
                    let (held, raised) = (sum(&held), sum(&raised));
                    let pool = pools.entry((rule.id, alone.then_some(id))).or_default();
                    pool.push(Member { id, held, raised });
                    0
                }
                // What orders add is the difference of two sums that are rounded by components.
                None if matches!(hedge, HedgeRule::Basic | HedgeRule::Sum) => {
                    rounded(&held, leverage) + rounded(&raised, leverage)
                }
                None => {
                    let [long, short, buying, selling] = self.legs(account, id, soft);
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
        for rule in self.tiers.iter().flat_map(|tiers| &tiers.rules) {
            for ((id, _), members) in &pools {
                if *id == rule.id {
                    used += self.tiered(account, rule, members);
                }
            }
        }
        used
    }

    /// Positions fill the bands first, then orders, at the average margin of a unit of all that fill them.
    fn tiered(&self, account: u32, rule: &TierRule, members: &[Member]) -> i64 {
        let total = |of: fn(&Member) -> Piece| {
            let pieces = members.iter().map(|member| measure(rule, of(member)));
            pieces.fold(Exact::whole(0), Exact::plus)
        };
        let (held, raised) = (total(|member| member.held), total(|member| member.raised));
        let all = held.plus(raised);
        if all == Exact::whole(0) {
            return 0;
        }
        let filled = |band: &Band, from: Exact, until: Exact| {
            let end = match band.to {
                0 => until,
                // Values are in cents; lots in 10^-8, quantities in hundredths.
                to if by_value(rule) => Exact::whole(to),
                to => Exact::new(i128::from(to), 1_000_000),
            };
            if end.below(until) {
                above(end, from)
            } else {
                above(until, from)
            }
        };
        let mut charged = Exact::whole(0);
        for member in members {
            // How many units of the average are charged, over the leverage of each band.
            let (mut units, mut below) = (Exact::whole(0), Exact::whole(0));
            for band in &rule.bands {
                let by = one_over(self.leverage(account, member.id, band.leverage));
                let kept = if self.holds_initial() {
                    band.initial
                } else {
                    band.maintenance
                };
                let (first, last) = (filled(band, below, held), filled(band, below, all));
                let orders = above(last, first);
                let shares = first
                    .times(share(kept))
                    .plus(orders.times(share(band.initial)));
                units = units.plus(shares.times(by));
                below = below.plus(last);
            }
            let amount = member.held.amount.plus(member.raised.amount);
            charged = charged.plus(amount.times(units.over(all)));
        }
        charged.round()
    }
}
