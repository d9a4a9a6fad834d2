use siaga_risk::units::Ts;
use uuid::Uuid;

use super::*;

/// What is remarkable about `new`, given the client's other movements (in any order, [`HISTORY_NS`] back, those under way
/// included), their deals since the oldest deposit of [`THROUGH_NS`], when they were last active before, and what was told and
/// waits for a decision. Sums are taken per direction; a sum or a number is told when this movement makes it cross, and while it
/// stays above only when nobody is about to decide on one of the same window.
pub fn judge(
    new: &Movement,
    others: &[Movement],
    deals: &[Deal],
    last_active: Option<Ts>,
    told: &[Told],
) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let mut say = |rule: Rule, evidence: Vec<Uuid>, detail: String, figures: Map<String, Value>| {
        alerts.push(Alert {
            rule,
            detail,
            figures,
            evidence,
        })
    };
    let before: Vec<&Movement> = others
        .iter()
        .filter(|other| other.id != new.id && other.at <= new.at)
        .collect();
    let word = match new.way {
        Way::In => "deposit",
        Way::Out => "withdrawal",
    };
    let way = new.way.name();

    if new.usd_cents > LARGE {
        say(
            Rule::LargeMovement,
            vec![new.id],
            format!(
                "{} USD in one {word}; the threshold is {}",
                dollars(new.usd_cents),
                dollars(LARGE)
            ),
            figures([
                ("way", way.into()),
                ("usd", usd(new.usd_cents)),
                ("limit_usd", usd(LARGE)),
            ]),
        );
    }
    for (rule, limit, window, span) in [
        (Rule::DayTotal, LARGE, DAY_NS, "24 hours"),
        (Rule::MonthTotal, MONTH, MONTH_NS, "30 days"),
    ] {
        let within: Vec<&&Movement> = before
            .iter()
            .filter(|other| other.way == new.way && is_within(other, new, window))
            .collect();
        let sum = within
            .iter()
            .fold(0i64, |sum, other| sum.saturating_add(other.usd_cents));
        let with_new = sum.saturating_add(new.usd_cents);
        let is_new = sum <= limit || !waits(told, rule, Some(new.way), new.at, window);
        // One that is large by itself was told above.
        if with_new > limit && is_new && !(within.is_empty() && rule == Rule::DayTotal) {
            say(
                rule,
                ids(&within, new),
                format!(
                    "{} USD of {word}s within {span}; the threshold is {}",
                    dollars(with_new),
                    dollars(limit)
                ),
                figures([
                    ("way", way.into()),
                    ("usd", usd(with_new)),
                    ("limit_usd", usd(limit)),
                ]),
            );
        }
    }

    let split = |movement: &Movement| (SPLIT_FROM..=LARGE).contains(&movement.usd_cents);
    let parts: Vec<&&Movement> = before
        .iter()
        .filter(|other| split(other) && is_within(other, new, SPLIT_NS))
        .collect();
    if split(new) && parts.len() + 1 >= SPLIT_COUNT {
        say(
            Rule::Structuring,
            ids(&parts, new),
            format!(
                "{} movements of {} to {} USD within 7 days, each below the threshold",
                parts.len() + 1,
                dollars(SPLIT_FROM),
                dollars(LARGE)
            ),
            figures([
                ("count", (parts.len() + 1).into()),
                ("from_usd", usd(SPLIT_FROM)),
                ("limit_usd", usd(LARGE)),
            ]),
        );
    }

    if let Some((deposit, out, lots)) = passed_through(new, &before, deals) {
        let lots = format!("{}.{:02}", lots / 1_000_000, lots % 1_000_000 / 10_000);
        say(
            Rule::DepositThenWithdraw,
            vec![deposit.id, new.id],
            format!(
                "{} USD taken out within 72 hours of a deposit of {} USD, with {lots} lots traded",
                dollars(out),
                dollars(deposit.usd_cents)
            ),
            figures([
                ("usd", usd(out)),
                ("deposit_usd", usd(deposit.usd_cents)),
                ("lots", lots.into()),
            ]),
        );
    }

    if new.payer == Payer::Other {
        let whom = match new.way {
            Way::In => "comes from",
            Way::Out => "goes to",
        };
        say(
            Rule::ThirdPartyPayer,
            vec![new.id],
            format!("the {word} {whom} somebody who is not the client"),
            figures([("way", way.into())]),
        );
    }

    let of_day: Vec<&&Movement> = before
        .iter()
        .filter(|other| is_within(other, new, DAY_NS))
        .collect();
    let is_new =
        of_day.len() == VELOCITY_COUNT || !waits(told, Rule::Velocity, None, new.at, DAY_NS);
    if of_day.len() >= VELOCITY_COUNT && is_new {
        say(
            Rule::Velocity,
            ids(&of_day, new),
            format!(
                "{} movements within 24 hours; {VELOCITY_COUNT} are usual at most",
                of_day.len() + 1
            ),
            figures([
                ("count", (of_day.len() + 1).into()),
                ("usual", VELOCITY_COUNT.into()),
            ]),
        );
    }

    if let Some(last) = last_active
        && new.at.0.saturating_sub(last.0) >= DORMANT_NS
    {
        let days = new.at.0.saturating_sub(last.0) / DAY_NS;
        say(
            Rule::DormantWakes,
            vec![new.id],
            format!("the first movement after {days} days without one and without a deal"),
            figures([("days", days.into())]),
        );
    }
    alerts
}

/// The deposit of which more than [`THROUGH_PCT`] has gone out again, what has gone out, and the lots between.
fn passed_through<'m>(
    new: &Movement,
    before: &[&'m Movement],
    deals: &[Deal],
) -> Option<(&'m Movement, i64, i64)> {
    if new.way != Way::Out {
        return None;
    }
    let deposits = before
        .iter()
        .filter(|other| other.way == Way::In && is_within(other, new, THROUGH_NS));
    let found = deposits.filter_map(|deposit| {
        let out = before
            .iter()
            .filter(|other| other.way == Way::Out && other.at >= deposit.at);
        let out = out.fold(new.usd_cents, |sum, other| {
            sum.saturating_add(other.usd_cents)
        });
        let traded = deals
            .iter()
            .filter(|deal| deal.at >= deposit.at && deal.at <= new.at);
        let lots = traded.fold(0i64, |sum, deal| sum.saturating_add(deal.lots));
        let above = i128::from(out) * 100 > i128::from(deposit.usd_cents) * i128::from(THROUGH_PCT);
        (above && lots < THROUGH_LOTS).then_some((*deposit, out, lots))
    });
    found.max_by_key(|(deposit, ..)| deposit.usd_cents)
}

fn is_within(other: &Movement, new: &Movement, window: u64) -> bool {
    new.at.0.saturating_sub(other.at.0) < window
}

/// Whether the rule told something within the window, that way or any, and nobody has decided on it.
fn waits(told: &[Told], rule: Rule, way: Option<Way>, now: Ts, window: u64) -> bool {
    told.iter().any(|told| {
        told.rule == rule
            && way.is_none_or(|way| told.way == way)
            && told.at <= now
            && now.0.saturating_sub(told.at.0) < window
    })
}

fn ids(others: &[&&Movement], new: &Movement) -> Vec<Uuid> {
    others
        .iter()
        .map(|other| other.id)
        .chain([new.id])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A movement at an hour, in dollars: below zero goes out.
    fn at(hour: u64, usd: i64) -> Movement {
        Movement {
            id: Uuid::from_u128(u128::from(hour) * 1_000_000 + u128::from(usd.unsigned_abs())),
            way: if usd > 0 { Way::In } else { Way::Out },
            usd_cents: usd.abs() * 100,
            at: Ts(hour * HOUR_NS),
            payer: Payer::Client,
        }
    }

    fn rules(new: Movement, others: &[Movement], deals: &[Deal], last: Option<Ts>) -> Vec<Rule> {
        judge(&new, others, deals, last, &[])
            .into_iter()
            .map(|alert| alert.rule)
            .collect()
    }

    #[test]
    fn thresholds_are_passed_and_not_reached() {
        use Rule::*;
        let day = 1_000;
        let table: &[(&str, Movement, Vec<Movement>, &[Rule])] = &[
            ("10,000 at once", at(day, 10_000), vec![], &[]),
            ("a dollar more", at(day, 10_001), vec![], &[LargeMovement]),
            (
                "a large one out",
                at(day, -10_001),
                vec![],
                &[LargeMovement],
            ),
            (
                "6,000 and 4,000 within a day",
                at(day, 4_000),
                vec![at(day - 23, 6_000)],
                &[],
            ),
            (
                "6,000 and 4,001 within a day",
                at(day, 4_001),
                vec![at(day - 23, 6_000)],
                &[DayTotal],
            ),
            (
                "the same, a day apart",
                at(day, 4_001),
                vec![at(day - 24, 6_000)],
                &[],
            ),
            (
                "in and out are not one sum",
                at(day, 4_001),
                vec![at(day - 2, -6_000)],
                &[],
            ),
            (
                "above already, and nobody is at work on it",
                at(day, 10),
                vec![at(day - 2, 6_000), at(day - 1, 4_001)],
                &[DayTotal],
            ),
            (
                "one that was large by itself told no sum",
                at(day, 10),
                vec![at(day - 1, 12_000)],
                &[DayTotal],
            ),
            (
                "30,000 in 30 days",
                at(day, 7_500),
                vec![
                    at(day - 700, 7_500),
                    at(day - 400, 7_500),
                    at(day - 200, 7_500),
                ],
                &[],
            ),
            (
                "30,001 in 30 days",
                at(day, 7_501),
                vec![
                    at(day - 700, 7_500),
                    at(day - 400, 7_500),
                    at(day - 200, 7_500),
                ],
                &[MonthTotal],
            ),
            (
                "the first is 30 days old",
                at(day, 7_501),
                vec![
                    at(day - 720, 7_500),
                    at(day - 400, 7_500),
                    at(day - 200, 7_500),
                ],
                &[],
            ),
            (
                "two just below",
                at(day, 9_000),
                vec![at(day - 100, 9_000)],
                &[],
            ),
            (
                "three just below",
                at(day, 8_000),
                vec![at(day - 100, 10_000), at(day - 167, 9_000)],
                &[Structuring],
            ),
            (
                "the third is 7 days old",
                at(day, 8_000),
                vec![at(day - 100, 10_000), at(day - 168, 9_000)],
                &[],
            ),
            (
                "7,999 is none of them",
                at(day, 7_999),
                vec![at(day - 100, 10_000), at(day - 120, 9_000)],
                &[],
            ),
        ];
        for (name, new, others, expected) in table {
            assert_eq!(rules(*new, others, &[], None), *expected, "{name}");
        }
    }

    /// What was told keeps quiet until it is decided on, for its own rule, way and window.
    #[test]
    fn a_sum_is_told_again_when_what_was_told_is_decided() {
        let told = |rule: Rule, way: Way, hour: u64| Told {
            rule,
            way,
            at: Ts(hour * HOUR_NS),
        };
        let said = |new: Movement, others: &[Movement], told: &[Told]| -> Vec<Rule> {
            let alerts = judge(&new, others, &[], None, told);
            alerts.into_iter().map(|alert| alert.rule).collect()
        };
        let day = 1_000;
        let two = [at(day - 3, 6_000), at(day - 2, 6_000)];
        let open = [told(Rule::DayTotal, Way::In, day - 2)];
        assert_eq!(said(at(day, 7_000), &two, &open), [], "it waits");
        assert_eq!(said(at(day, 7_000), &two, &[]), [Rule::DayTotal]);
        for other in [
            told(Rule::LargeMovement, Way::In, day - 2),
            told(Rule::MonthTotal, Way::In, day - 2),
            told(Rule::DayTotal, Way::Out, day - 2),
            told(Rule::DayTotal, Way::In, day - 24),
            told(Rule::DayTotal, Way::In, day + 1),
        ] {
            assert_eq!(
                said(at(day, 7_000), &two, &[other]),
                [Rule::DayTotal],
                "{other:?}"
            );
        }
        let one = [at(day - 1, 6_000)];
        assert_eq!(
            said(at(day, 7_000), &one, &open),
            [Rule::DayTotal],
            "it crosses anew"
        );
        let weeks: Vec<Movement> = (1..=4).map(|n| at(day - 48 * n, 7_900)).collect();
        let open = [told(Rule::MonthTotal, Way::In, day - 48)];
        assert_eq!(said(at(day, 10), &weeks, &open), []);
        assert_eq!(said(at(day, 10), &weeks, &[]), [Rule::MonthTotal]);
        let eleven: Vec<Movement> = (0..11).map(|n| at(day - 11 + n, 10)).collect();
        let open = [told(Rule::Velocity, Way::Out, day - 1)];
        assert_eq!(said(at(day, 10), &eleven, &open), [], "whichever way");
        assert_eq!(said(at(day, 10), &eleven, &[]), [Rule::Velocity]);
    }

    #[test]
    fn money_that_only_passes_through() {
        use Rule::*;
        let deal = |hour: u64, lots: i64| Deal {
            at: Ts(hour * HOUR_NS),
            lots,
        };
        type Line = (
            &'static str,
            Movement,
            Vec<Movement>,
            Vec<Deal>,
            &'static [Rule],
        );
        let table: &[Line] = &[
            ("80 % out", at(100, -800), vec![at(50, 1_000)], vec![], &[]),
            (
                "more than 80 % out",
                at(100, -801),
                vec![at(50, 1_000)],
                vec![],
                &[DepositThenWithdraw],
            ),
            (
                "in two parts",
                at(100, -401),
                vec![at(50, 1_000), at(60, -400)],
                vec![],
                &[DepositThenWithdraw],
            ),
            (
                "after 72 hours",
                at(122, -900),
                vec![at(50, 1_000)],
                vec![],
                &[],
            ),
            (
                "with a lot traded",
                at(100, -900),
                vec![at(50, 1_000)],
                vec![deal(60, 500_000), deal(70, 500_000)],
                &[],
            ),
            (
                "with less than a lot",
                at(100, -900),
                vec![at(50, 1_000)],
                vec![deal(60, 999_999)],
                &[DepositThenWithdraw],
            ),
            (
                "traded before the deposit",
                at(100, -900),
                vec![at(50, 1_000)],
                vec![deal(40, 5_000_000)],
                &[DepositThenWithdraw],
            ),
            (
                "a second deposit",
                at(100, 900),
                vec![at(50, 1_000)],
                vec![],
                &[],
            ),
        ];
        for (name, new, others, deals, expected) in table {
            assert_eq!(rules(*new, others, deals, None), *expected, "{name}");
        }
    }

    #[test]
    fn payers_pace_and_sleep() {
        let third = Movement {
            payer: Payer::Other,
            ..at(100, 50)
        };
        assert_eq!(rules(third, &[], &[], None), [Rule::ThirdPartyPayer]);
        let untold = Movement {
            payer: Payer::Unknown,
            ..third
        };
        assert_eq!(rules(untold, &[], &[], None), []);
        let nine: Vec<Movement> = (0..9).map(|n| at(90 + n, 10)).collect();
        let ten: Vec<Movement> = (0..10).map(|n| at(90 + n, 10)).collect();
        let eleven: Vec<Movement> = (0..11).map(|n| at(89 + n, 10)).collect();
        for (others, expected) in [
            (nine, vec![]),
            (ten, vec![Rule::Velocity]),
            (eleven, vec![Rule::Velocity]),
        ] {
            assert_eq!(
                rules(at(100, 10), &others, &[], None),
                expected,
                "{}",
                others.len()
            );
        }
        let woken = at(180 * 24 + 5, 10);
        assert_eq!(
            rules(woken, &[], &[], Some(Ts(5 * HOUR_NS))),
            [Rule::DormantWakes]
        );
        assert_eq!(rules(woken, &[], &[], Some(Ts(6 * HOUR_NS))), []);
    }

    #[test]
    fn a_movement_is_not_counted_with_itself() {
        let new = at(100, 6_000);
        assert_eq!(rules(new, &[new], &[], None), []);
    }

    /// Whoever says it in another language has every number of the sentence.
    #[test]
    fn the_figures_are_those_of_the_sentence() {
        let alerts = judge(&at(1_000, -11_000), &[], &[], None, &[]);
        let [alert] = alerts.as_slice() else {
            panic!("one alert: {alerts:?}");
        };
        assert_eq!(
            alert.detail,
            "11,000.00 USD in one withdrawal; the threshold is 10,000.00"
        );
        assert_eq!(
            Value::Object(alert.figures.clone()),
            serde_json::json!({"way": "out", "usd": "11000.00", "limit_usd": "10000.00"})
        );
        let before: Vec<Movement> = (0..10).map(|hour| at(990 + hour, 20 + 1)).collect();
        let busy = judge(&at(1_000, 50), &before, &[], Some(Ts(0)), &[]);
        let figures: Vec<(Rule, Value)> = busy
            .into_iter()
            .map(|alert| (alert.rule, Value::Object(alert.figures)))
            .collect();
        assert_eq!(
            figures,
            [(
                Rule::Velocity,
                serde_json::json!({"count": 11, "usual": 10})
            )]
        );
    }
}
