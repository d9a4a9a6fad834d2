//! What an alert stands on, in words: the numbers its rule looked at, and the formula.

use siaga_alerts::alert::{Alert, Facts, Figure};
use siaga_alerts::text::{self, Language};
use siaga_risk::event::HaltCause;
use siaga_risk::terms::LossBasis;

use super::alert_names::DirectoryNames;
use crate::gateway::core::Statement;

/// The numbers and the formula for a reader of this language.
pub fn statement(alert: &Alert, names: &DirectoryNames<'_>, language: Language) -> Statement {
    let figure = |figure| text::figure(alert, figure, names, language);
    let own = [
        (["measured", "terukur"], alert.value),
        (["raised at", "naik pada"], alert.raise),
        (["clears at", "reda pada"], alert.clear),
    ];
    let own = own
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, figure(value))));
    let inputs = own.chain(facts(alert, &figure));
    Statement {
        inputs: inputs
            .map(|(name, value)| (said(name, language).to_owned(), value))
            .collect(),
        formula: said(formula(&alert.facts), language).to_owned(),
    }
}

/// A text in English and Indonesian.
type Pair = [&'static str; 2];

fn said(pair: Pair, language: Language) -> &'static str {
    match language {
        Language::English => pair[0],
        Language::Indonesian => pair[1],
    }
}

/// The numbers a rule looked at, by their names.
fn facts(alert: &Alert, show: &dyn Fn(Figure) -> String) -> Vec<(Pair, String)> {
    match alert.facts {
        Facts::Margin { equity, used, .. }
        | Facts::StopOut { equity, used, .. }
        | Facts::Rung { equity, used, .. } => vec![
            (["equity", "ekuitas"], show(Figure::Money(equity))),
            (
                ["used margin", "margin terpakai"],
                show(Figure::Money(used)),
            ),
        ],
        Facts::Loss { loss, limit, .. } => vec![
            (["loss", "kerugian"], show(Figure::Money(loss))),
            (["limit", "batas"], show(Figure::Money(limit))),
        ],
        Facts::Volatility {
            realised,
            threshold,
            ewma,
        } => vec![
            (
                ["realised, 5 minutes", "terealisasi, 5 menit"],
                show(Figure::Ratio(realised)),
            ),
            (["threshold", "ambang"], show(Figure::Ratio(threshold))),
            (["EWMA", "EWMA"], show(Figure::Ratio(ewma))),
        ],
        Facts::Breach {
            moved, threshold, ..
        } => vec![
            (["moved", "bergerak"], show(Figure::Ratio(moved))),
            (["threshold", "ambang"], show(Figure::Ratio(threshold))),
        ],
        Facts::Halt {
            cause,
            moved,
            holders,
            factor,
            ..
        } => {
            let moved = (cause != HaltCause::Person)
                .then(|| (["moved", "bergerak"], show(Figure::Ratio(moved))));
            let factor = factor.map(|factor| {
                (
                    ["factor on requirements", "faktor persyaratan"],
                    show(Figure::Ratio(factor)),
                )
            });
            let holders = (["holders", "pemegang"], holders.to_string());
            moved.into_iter().chain(factor).chain([holders]).collect()
        }
        Facts::Window {
            factor, holders, ..
        } => vec![
            (
                ["factor on requirements", "faktor persyaratan"],
                show(Figure::Ratio(factor)),
            ),
            (["holders", "pemegang"], holders.to_string()),
        ],
        Facts::Feed { age_ns, .. } => vec![(
            ["age of the price", "umur harga"],
            show(Figure::DurationNs(age_ns)),
        )],
        Facts::Link {
            queued, in_doubt, ..
        } => vec![
            (["queued", "antre"], queued.to_string()),
            (["in doubt", "diragukan"], in_doubt.to_string()),
        ],
        Facts::Protective {
            price, crossed_by, ..
        } => vec![
            (
                ["protective price", "harga proteksi"],
                show(Figure::Price(price)),
            ),
            (["crossed by", "dilewati"], show(Figure::Price(crossed_by))),
        ],
        _ => Vec::new(),
    }
}

fn formula(facts: &Facts) -> Pair {
    match facts {
        Facts::Margin { .. } | Facts::StopOut { .. } | Facts::Rung { .. } => [
            "margin level = equity / used margin × 100; equity = balance + credit + unrealised profit + swap − commission",
            "tingkat margin = ekuitas / margin terpakai × 100; ekuitas = saldo + kredit + laba belum terealisasi + swap − komisi",
        ],
        Facts::Loss { basis, .. } => match basis {
            LossBasis::DayStart => [
                "loss compared with its limit: a share of day-start equity",
                "kerugian dibandingkan dengan batasnya: bagian dari ekuitas awal hari",
            ],
            LossBasis::Peak => [
                "loss compared with its limit: a share of the highest equity",
                "kerugian dibandingkan dengan batasnya: bagian dari ekuitas tertinggi",
            ],
            LossBasis::Margin => [
                "loss compared with its limit: a share of margin",
                "kerugian dibandingkan dengan batasnya: bagian dari margin",
            ],
        },
        Facts::Volatility { .. } => [
            "root of the sum of squared log returns of the last 5 minutes, against the larger of the floor and a multiple of the hour's mean",
            "akar jumlah kuadrat imbal hasil log 5 menit terakhir, terhadap yang lebih besar dari batas bawah dan kelipatan rata-rata jam itu",
        ],
        Facts::Halt {
            cause: HaltCause::Person,
            ..
        } => [
            "a named person has halted it",
            "dihentikan oleh orang yang disebut namanya",
        ],
        Facts::Halt {
            cause: HaltCause::Family,
            ..
        } => [
            "an instrument of the same family was halted by its detectors",
            "instrumen dari keluarga yang sama dihentikan oleh detektornya",
        ],
        Facts::Breach { .. } | Facts::Halt { .. } => [
            "move within the detector's window (1 − price / highest, or price / lowest − 1), or from the band's reference",
            "gerakan dalam jendela detektor (1 − harga / tertinggi, atau harga / terendah − 1), atau dari acuan pita",
        ],
        Facts::Window { .. } => [
            "margin × the factor of the window, for new exposure, and for what is held as the window says",
            "margin × faktor jendela, untuk eksposur baru, dan untuk yang dipegang menurut ketentuan jendela",
        ],
        Facts::Feed { .. } => [
            "time since the last accepted price of any source",
            "waktu sejak harga terakhir yang diterima dari sumber mana pun",
        ],
        _ => ["", ""],
    }
}
