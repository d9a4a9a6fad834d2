//! Titles, summaries and advice in Indonesian and English, from templates and the numbers of an alert.

mod templates;

use siaga_risk::event::*;
use siaga_risk::ids::*;
use siaga_risk::terms::{HeldPolicy, StopOutMode};
use siaga_risk::units::*;

use crate::alert::{Alert, Facts, Figure, Severity};
pub use templates::{Language, Template};

/// Names and digits that the rim knows. What it does not know is shown by its number.
pub trait Names {
    fn account(&self, account: AccountId) -> String {
        account.to_string()
    }
    fn instrument(&self, instrument: InstrumentId) -> String {
        format!("#{instrument}")
    }
    fn group(&self, group: GroupId) -> String {
        group.to_string()
    }
    fn link(&self, link: LinkId) -> String {
        format!("#{link}")
    }
    fn source(&self, source: SourceId) -> String {
        format!("#{source}")
    }
    fn currency(&self, currency: CurrencyId) -> String {
        format!("#{currency}")
    }
    fn actor(&self, actor: ActorId) -> String {
        format!("#{actor}")
    }
    fn sink(&self, sink: u16) -> String {
        format!("#{sink}")
    }
    fn reader(&self, reader: u16) -> String {
        format!("#{reader}")
    }
    /// Digits and code of an account's money, e.g. (2, "USD").
    fn money(&self, _account: AccountId) -> (u8, String) {
        (2, String::new())
    }
    /// Digits of an instrument's prices.
    fn price_digits(&self, _instrument: InstrumentId) -> u8 {
        0
    }
    /// Digits of an instrument's quantities.
    fn qty_digits(&self, _instrument: InstrumentId) -> u8 {
        0
    }
}

/// Names nothing: everything is shown by its number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers;

impl Names for Numbers {}

/// An alert in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    pub title: String,
    pub summary: String,
    /// What to do now.
    pub advice: String,
}

/// Writes an alert for a reader.
pub fn render(alert: &Alert, names: &dyn Names, language: Language) -> Text {
    let template = templates::of(alert.rule, language);
    let page = Page {
        alert,
        names,
        language,
    };
    Text {
        title: page.fill(template.title),
        summary: page.fill(template.summary),
        advice: page.fill(template.advice),
    }
}

/// The severity in words.
pub fn severity(severity: Severity, language: Language) -> &'static str {
    match (severity, language) {
        (Severity::Info, Language::English) => "Information",
        (Severity::Info, Language::Indonesian) => "Informasi",
        (Severity::Warning, Language::English) => "Warning",
        (Severity::Warning, Language::Indonesian) => "Peringatan",
        (Severity::Critical, Language::English) => "Critical",
        (Severity::Critical, Language::Indonesian) => "Kritis",
        (Severity::Emergency, Language::English) => "Emergency",
        (Severity::Emergency, Language::Indonesian) => "Darurat",
    }
}

/// A figure as people read it; money needs the account it belongs to, prices their instrument.
pub fn figure(alert: &Alert, figure: Figure, names: &dyn Names, language: Language) -> String {
    let page = Page {
        alert,
        names,
        language,
    };
    match figure {
        Figure::Ratio(ratio) => page.percent(ratio),
        Figure::Money(money) => page.money(money),
        Figure::Price(price) => page.price(price),
        Figure::Count(count) => count.to_string(),
        Figure::DurationNs(ns) => duration(ns, language),
    }
}

/// `value` with `digits` decimals, exactly.
pub fn decimal(value: i128, digits: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = usize::from(digits.min(18));
    let text = format!("{:0width$}", value.unsigned_abs(), width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    if part.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{part}")
    }
}

/// A ratio as a percentage with two decimals, rounded towards zero so that 49.999 % never reads as 50 %.
pub fn percent(ratio: Ratio) -> String {
    format!("{} %", decimal(i128::from(ratio.0) / 100_000_000, 2))
}

/// In Indonesian the fraction begins with a comma.
fn pointed(number: String, language: Language) -> String {
    match language {
        Language::English => number,
        Language::Indonesian => number.replace('.', ","),
    }
}

fn duration(ns: u64, language: Language) -> String {
    if ns == u64::MAX {
        return "–".to_owned();
    }
    let seconds = ns / SECOND_NS;
    let (minute, second) = match language {
        Language::English => ("min", "s"),
        Language::Indonesian => ("mnt", "dtk"),
    };
    match (seconds / 60, seconds % 60) {
        (0, rest) => format!("{rest} {second}"),
        (minutes, 0) => format!("{minutes} {minute}"),
        (minutes, rest) => format!("{minutes} {minute} {rest} {second}"),
    }
}

/// An instant to the minute, UTC: `2025-01-06 12:00 UTC`.
fn moment(ts: Ts) -> String {
    let minutes = ts.0 / MINUTE_NS;
    let (days, minute) = (minutes / 1_440, minutes % 1_440);
    // Years from March, in eras of 400 (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let from_march = days + 719_468;
    let (era, day_of_era) = (from_march / 146_097, from_march % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (minute / 60, minute % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

struct Page<'a> {
    alert: &'a Alert,
    names: &'a dyn Names,
    language: Language,
}

impl Page<'_> {
    /// Replaces every `{name}`; a name without a value becomes "–".
    fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() + 64);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            text.push_str(&self.value(name).unwrap_or_else(|| "–".to_owned()));
            rest = behind;
        }
        text.push_str(rest);
        text
    }

    fn value(&self, name: &str) -> Option<String> {
        let labels = &self.alert.labels;
        let figure = |value: Option<Figure>| {
            value.map(|value| figure(self.alert, value, self.names, self.language))
        };
        match name {
            "account" => labels.account.map(|id| self.names.account(id)),
            "group" => labels.group.map(|id| self.names.group(id)),
            "instrument" => labels.instrument.map(|id| self.names.instrument(id)),
            "link" => labels.link.map(|id| self.names.link(id)),
            "source" => labels.source.map(|id| self.names.source(id)),
            "order" => labels.order.map(|id| id.to_string()),
            "position" => labels.position.map(|id| id.to_string()),
            "value" => figure(self.alert.value),
            "raise" => figure(self.alert.raise),
            "clear" => figure(self.alert.clear),
            "at_risk" => self.alert.money_at_risk.map(|money| self.money(money)),
            _ => self.fact(name),
        }
    }

    fn fact(&self, name: &str) -> Option<String> {
        let text = match (self.alert.facts, name) {
            (
                Facts::Margin { equity, .. }
                | Facts::StopOut { equity, .. }
                | Facts::Rung { equity, .. },
                "equity",
            ) => self.money(equity),
            (
                Facts::Margin { used, .. } | Facts::StopOut { used, .. } | Facts::Rung { used, .. },
                "used",
            ) => self.money(used),
            (
                Facts::StopOut {
                    mode,
                    closes,
                    cancels,
                    ..
                },
                "acted",
            ) => self.acted(mode, closes, cancels),
            (Facts::Margin { .. }, "acted") => self
                .word(
                    "Nothing is sent for it yet.",
                    "Belum ada yang dikirim untuk itu.",
                )
                .to_owned(),
            (Facts::Breach { cause, .. }, "how") => self.moved_how(cause).to_owned(),
            (Facts::Halt { cause, moved, .. }, "why") => self.halted_by(cause, moved),
            (Facts::Halt { factor, .. }, "margin") => self.raised_by(factor),
            (Facts::Halt { holders, .. } | Facts::Window { holders, .. }, "holders") => {
                holders.to_string()
            }
            (Facts::Window { until, .. }, "until") => moment(until),
            (Facts::Window { held, reached, .. }, "held") => self.held(held, reached).to_owned(),
            (
                Facts::Halt {
                    manual,
                    awaiting_resume,
                    ..
                },
                "lifts",
            ) => self.lifted_by(manual, awaiting_resume).to_owned(),
            (Facts::Gap { missing, .. }, "missing") => missing.to_string(),
            (Facts::Switch { to, .. }, "to") => self.names.source(to),
            (Facts::Conversion { from, .. }, "from_currency") => self.names.currency(from),
            (Facts::Conversion { to, .. }, "to_currency") => self.names.currency(to),
            (Facts::Link { queued, .. }, "queued") => queued.to_string(),
            (Facts::Link { in_doubt, .. }, "in_doubt") => in_doubt.to_string(),
            (Facts::Order { side, .. }, "side") => self.side(side).to_owned(),
            (Facts::Order { qty, .. }, "qty") => self.qty(qty),
            (Facts::Order { filled, .. }, "filled") => self.qty(filled),
            (Facts::Protective { kind, .. }, "kind") => self.protective(kind).to_owned(),
            (
                Facts::Mode { scope, .. }
                | Facts::Kill { scope, .. }
                | Facts::Throttle { scope, .. },
                "scope",
            ) => self.scope(scope),
            (Facts::Throttle { side, .. }, "side") => self.side(side).to_owned(),
            (Facts::Mode { mode, .. }, "mode") => self.mode(mode).to_owned(),
            (Facts::Mode { actor, .. } | Facts::Kill { actor, .. }, "actor") => {
                self.names.actor(actor)
            }
            (Facts::Kill { cancelled, .. }, "cancelled") => cancelled.to_string(),
            (Facts::Sink { sink, .. }, "sink") => self.names.sink(sink),
            (Facts::Sink { failed, .. }, "failed") => failed.to_string(),
            (Facts::Standby { input }, "input") => input.to_string(),
            (Facts::Lost { first, .. }, "first") => first.to_string(),
            (Facts::Lost { last, .. }, "last") => last.to_string(),
            (Facts::Lost { orders, .. }, "orders") => orders.to_string(),
            (Facts::Holdings { ours, .. }, "ours") => self.qty(ours),
            (Facts::Holdings { theirs, .. }, "theirs") => self.qty(theirs),
            (Facts::Holdings { ours, theirs, .. }, "difference") => {
                self.differs(ours, theirs).to_owned()
            }
            (Facts::Reader { reader }, "reader") => self.names.reader(reader),
            _ => return None,
        };
        Some(text)
    }

    /// A decimal with the reader's point.
    fn number(&self, value: i128, digits: u8) -> String {
        pointed(decimal(value, digits), self.language)
    }

    fn percent(&self, ratio: Ratio) -> String {
        pointed(percent(ratio), self.language)
    }

    fn money(&self, money: Money) -> String {
        let Some(account) = self.alert.labels.account else {
            return self.number(money.0.into(), 2);
        };
        let (digits, code) = self.names.money(account);
        let amount = self.number(money.0.into(), digits);
        if code.is_empty() {
            amount
        } else {
            format!("{amount} {code}")
        }
    }

    fn price(&self, price: Price) -> String {
        let digits = self
            .alert
            .labels
            .instrument
            .map_or(0, |id| self.names.price_digits(id));
        self.number(price.0.into(), digits)
    }

    /// What is wrong with what a broker holds.
    fn differs(&self, ours: Qty, theirs: Qty) -> &'static str {
        match (self.language, ours.0, theirs.0) {
            (Language::English, _, 0) => "missing there",
            (Language::English, 0, _) => "extra there",
            (Language::English, ..) => "other volume",
            (Language::Indonesian, _, 0) => "tidak ada di sana",
            (Language::Indonesian, 0, _) => "lebih di sana",
            (Language::Indonesian, ..) => "volume berbeda",
        }
    }

    fn qty(&self, qty: Qty) -> String {
        let digits = self
            .alert
            .labels
            .instrument
            .map_or(0, |id| self.names.qty_digits(id));
        self.number(qty.0.into(), digits)
    }

    fn word(&self, english: &'static str, indonesian: &'static str) -> &'static str {
        match self.language {
            Language::English => english,
            Language::Indonesian => indonesian,
        }
    }

    /// What a detector measured.
    fn moved_how(&self, cause: HaltCause) -> &'static str {
        match cause {
            HaltCause::Band => self.word("from its reference price", "dari harga acuannya"),
            HaltCause::Dynamic => self.word(
                "from an extreme of the rolling window",
                "dari titik ekstrem jendela bergulir",
            ),
            HaltCause::Velocity => self.word("within a moment", "dalam sekejap"),
            HaltCause::Window | HaltCause::Family | HaltCause::Person => {
                self.word("within its window", "dalam jendelanya")
            }
        }
    }

    fn halted_by(&self, cause: HaltCause, moved: Ratio) -> String {
        match cause {
            HaltCause::Person => self
                .word("set by hand", "ditetapkan dengan tangan")
                .to_owned(),
            HaltCause::Family => self
                .word(
                    "an instrument of its family is halted",
                    "instrumen sekeluarganya dihentikan",
                )
                .to_owned(),
            cause => format!(
                "{} {} {}",
                self.word("it moved", "bergerak"),
                self.percent(moved),
                self.moved_how(cause)
            ),
        }
    }

    fn raised_by(&self, factor: Option<Ratio>) -> String {
        match factor {
            Some(factor) if factor > Ratio::ONE => format!(
                "{} {}",
                self.word("new exposure needs", "eksposur baru memerlukan"),
                self.of_margin(factor)
            ),
            Some(_) => self
                .word("requirements stay as they are", "persyaratan tetap")
                .to_owned(),
            None => self
                .word(
                    "requirements are those of its terms",
                    "persyaratan menurut ketentuannya",
                )
                .to_owned(),
        }
    }

    fn of_margin(&self, factor: Ratio) -> String {
        let share = self.percent(factor);
        format!("{share} {}", self.word("of its margin", "dari marginnya"))
    }

    fn lifted_by(&self, manual: bool, awaiting_resume: bool) -> &'static str {
        match (manual, awaiting_resume) {
            (true, _) => self.word("Only a person lifts it.", "Hanya orang yang mencabutnya."),
            (false, true) => self.word(
                "It is quiet again and waits for a named person to resume it.",
                "Sudah tenang dan menunggu orang yang disebut namanya untuk melanjutkan.",
            ),
            (false, false) => self.word(
                "Resume by hand, or let the rule do it.",
                "Lanjutkan dengan tangan, atau biarkan aturan.",
            ),
        }
    }

    /// What a window does to positions that were held before.
    fn held(&self, held: HeldPolicy, reached: bool) -> &'static str {
        match (held, reached) {
            (HeldPolicy::Keep, _) => self.word(
                "what was held before keeps its own",
                "yang dipegang sebelumnya tetap seperti semula",
            ),
            (_, true) => self.word(
                "so does what was held before",
                "demikian pula yang dipegang sebelumnya",
            ),
            (_, false) => self.word(
                "what was held before follows after its grace",
                "yang dipegang sebelumnya menyusul setelah masa tenggang",
            ),
        }
    }

    /// What a stop-out does. Its closes may still wait, for the broker's answer or for a link.
    fn acted(&self, mode: StopOutMode, closes: u32, cancels: u32) -> String {
        match (mode, self.language) {
            (StopOutMode::Act, Language::English) => {
                format!("Closes sent or waiting: {closes}, cancels: {cancels}.")
            }
            (StopOutMode::Act, Language::Indonesian) => {
                format!("Penutupan terkirim atau menunggu: {closes}, pembatalan: {cancels}.")
            }
            (StopOutMode::Observe, Language::English) => format!(
                "Observed only, the broker's server acts. Closes due: {closes}, cancels: {cancels}."
            ),
            (StopOutMode::Observe, Language::Indonesian) => format!(
                "Hanya diamati, server pialang yang bertindak. Penutupan yang semestinya: {closes}, pembatalan: {cancels}."
            ),
        }
    }

    fn side(&self, side: Side) -> &'static str {
        match side {
            Side::Buy => self.word("buy", "beli"),
            Side::Sell => self.word("sell", "jual"),
        }
    }

    fn mode(&self, mode: TradingMode) -> &'static str {
        match mode {
            TradingMode::Normal => self.word("normal", "normal"),
            TradingMode::Reducing => self.word("reducing only", "hanya mengurangi"),
            TradingMode::CloseOnly => self.word("close only", "hanya tutup"),
            TradingMode::Halt => self.word("halted", "dihentikan"),
        }
    }

    fn protective(&self, kind: ProtectiveKind) -> &'static str {
        match kind {
            ProtectiveKind::StopLoss => "stop loss",
            ProtectiveKind::TakeProfit => "take profit",
            ProtectiveKind::Trailing => "trailing stop",
        }
    }

    fn scope(&self, scope: Scope) -> String {
        let named = |english, indonesian, name: String| {
            format!("{} {name}", self.word(english, indonesian))
        };
        match scope {
            Scope::House => self.word("the house", "seluruh perusahaan").to_owned(),
            Scope::Group(id) => named("group", "grup", self.names.group(id)),
            Scope::Account(id) => named("account", "akun", self.names.account(id)),
            Scope::Instrument(id) => self.names.instrument(id),
            Scope::Desk(id) => named("desk", "meja", id.to_string()),
            Scope::Trader(id) => named("trader", "trader", id.to_string()),
            Scope::Currency(id) => named("currency", "mata uang", self.names.currency(id)),
            Scope::Strategy(id) => named("strategy", "strategi", id.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::rules::Rule;

    struct House;

    impl Names for House {
        fn account(&self, account: AccountId) -> String {
            format!("A-{account}")
        }
        fn instrument(&self, _: InstrumentId) -> String {
            "XAU/USD".to_owned()
        }
        fn money(&self, _: AccountId) -> (u8, String) {
            (2, "USD".to_owned())
        }
    }

    #[test]
    fn a_margin_call_reads_well_in_both_languages() {
        let mut engine = Engine::default();
        for (seq, terms) in crate::testing::terms(AccountId(7), GroupId(2))
            .iter()
            .enumerate()
        {
            let key = OutputKey {
                seq: seq as u64 + 1,
                index: 0,
            };
            engine.apply(key, Ts(1), terms);
        }
        let output = crate::testing::margin(AccountId(7), InstrumentId(3), MarginState::Restricted);
        let alert = engine.apply(OutputKey { seq: 9, index: 0 }, Ts(2), &output)[0]
            .alert
            .clone();
        let english = render(&alert, &House, Language::English);
        assert_eq!(
            english.title,
            "Account A-7 is restricted: margin level 40.00 %"
        );
        assert!(english.summary.contains("4.00 USD"), "{}", english.summary);
        assert!(english.summary.contains("50.00 %"), "{}", english.summary);
        let indonesian = render(&alert, &House, Language::Indonesian);
        assert_eq!(
            indonesian.title,
            "Akun A-7 dibatasi: tingkat margin 40,00 %"
        );
        assert!(
            indonesian.summary.contains("4,00 USD") && !indonesian.summary.contains("4.00"),
            "{}",
            indonesian.summary
        );
        assert_ne!(english.advice, indonesian.advice);
    }

    /// Two outputs tell of a stop-out. Where the state bounces it is another one: the closes of the first may be done.
    #[test]
    fn a_stop_out_keeps_what_is_known_of_it() {
        let mut engine = Engine::default();
        let account = AccountId(7);
        let mut seq = 0;
        let mut told = |output: &Output| {
            seq += 1;
            let changes = engine.apply(OutputKey { seq, index: 0 }, Ts(seq), output);
            changes.last().map(|change| change.alert.clone())
        };
        for terms in crate::testing::terms(account, GroupId(2)) {
            told(&terms);
        }
        let state = |to| crate::testing::margin(account, InstrumentId(3), to);
        let plan = |mode| {
            Output::StopOut(StopOut {
                account,
                mode,
                equity: Money(299),
                used: Money(1_000),
                cancels: Vec::new(),
                closes: vec![PositionId(9)],
            })
        };
        let ends = |alert: &Alert, english: &str, indonesian: &str| {
            for (language, end) in [
                (Language::English, english),
                (Language::Indonesian, indonesian),
            ] {
                let summary = render(alert, &House, language).summary;
                assert!(summary.ends_with(end), "{summary}");
            }
        };
        let called = told(&state(MarginState::StopOut)).expect("an alert");
        let nothing = [
            "Nothing is sent for it yet.",
            "Belum ada yang dikirim untuk itu.",
        ];
        ends(&called, nothing[0], nothing[1]);
        let acts = told(&plan(StopOutMode::Act)).expect("an alert");
        assert_eq!(acts.value, Some(Figure::Ratio(Ratio(299_000_000_000))));
        assert_eq!(acts.labels.instrument, Some(InstrumentId(3)));
        let english = "Closes sent or waiting: 1, cancels: 0.";
        let indonesian = "Penutupan terkirim atau menunggu: 1, pembatalan: 0.";
        ends(&acts, english, indonesian);
        told(&state(MarginState::Restricted));
        let again = told(&state(MarginState::StopOut)).expect("an alert");
        assert_eq!((again.id, again.value), (acts.id, called.value));
        ends(&again, nothing[0], nothing[1]);
        assert_eq!(again.labels.instrument, Some(InstrumentId(3)));
        let more = told(&plan(StopOutMode::Act)).expect("an alert");
        ends(&more, english, indonesian);
        let watched = told(&plan(StopOutMode::Observe)).expect("an alert");
        let summary = render(&watched, &House, Language::English).summary;
        assert!(!summary.contains("sent"), "{summary}");
    }

    #[test]
    fn a_halt_says_who_or_what_halted_and_what_it_does() {
        let mut engine = Engine::default();
        let mut halted = |seq: u64, cause, manual| {
            let output = Output::Halt(HaltChange {
                instrument: InstrumentId(3),
                on: true,
                cause,
                manual,
                awaiting_resume: false,
                moved: Ratio::basis_points(120),
                holders: 7,
            });
            let key = OutputKey { seq, index: 0 };
            engine.apply(key, Ts(seq), &output)[0].alert.clone()
        };
        let by_rule = halted(1, HaltCause::Window, false);
        let english = render(&by_rule, &House, Language::English);
        assert_eq!(
            english.title,
            "XAU/USD is halted: it moved 1.20 % within its window"
        );
        assert!(english.advice.ends_with("let the rule do it."));
        let indonesian = render(&by_rule, &House, Language::Indonesian);
        assert_eq!(
            indonesian.title,
            "XAU/USD dihentikan: bergerak 1,20 % dalam jendelanya"
        );
        let by_hand = halted(2, HaltCause::Person, true);
        assert_eq!(by_hand.value, None);
        let english = render(&by_hand, &House, Language::English);
        assert_eq!(english.title, "XAU/USD is halted: set by hand");
        assert!(english.advice.ends_with("Only a person lifts it."));
        let with_factor = |percent| {
            let facts = Facts::Halt {
                cause: HaltCause::Family,
                moved: Ratio(0),
                holders: 7,
                manual: false,
                awaiting_resume: false,
                factor: Some(Ratio::percent(percent)),
            };
            let alert = Alert {
                facts,
                ..by_rule.clone()
            };
            render(&alert, &House, Language::English).summary
        };
        assert_eq!(
            with_factor(150),
            "Leveraged entry is off; new exposure needs 150.00 % of its margin; accounts that hold it: 7. Closing goes on."
        );
        assert!(with_factor(100).contains("requirements stay as they are"));
    }

    #[test]
    fn every_rule_has_every_text_in_both_languages() {
        for rule in Rule::ALL {
            let english = templates::of(*rule, Language::English);
            let indonesian = templates::of(*rule, Language::Indonesian);
            for template in [english, indonesian] {
                for text in [template.title, template.summary, template.advice] {
                    assert!(text.len() > 10, "{rule:?}: {text}");
                    assert_eq!(
                        text.matches('{').count(),
                        text.matches('}').count(),
                        "{rule:?}"
                    );
                }
            }
            assert_ne!(english.advice, indonesian.advice, "{rule:?}");
            let places = |text: &str| {
                let mut names: Vec<String> = text
                    .split('{')
                    .skip(1)
                    .filter_map(|part| part.split_once('}').map(|(name, _)| name.to_owned()))
                    .collect();
                names.sort();
                names
            };
            assert_eq!(places(english.title), places(indonesian.title), "{rule:?}");
            assert_eq!(
                places(english.summary),
                places(indonesian.summary),
                "{rule:?}"
            );
        }
    }

    #[test]
    fn a_window_says_how_much_until_when_and_whom_it_reaches() {
        let mut engine = Engine::default();
        let window = siaga_risk::terms::Requirement {
            instrument: InstrumentId(3),
            id: 2,
            from: Ts(1),
            until: Ts(1_736_164_800 * SECOND_NS),
            factor: Ratio::percent(300),
            held: HeldPolicy::AfterGrace,
            grace_ns: 5,
        };
        let mut told = |seq: u64, phase| {
            let output = Output::Window(WindowChange {
                window,
                phase,
                holders: 7,
            });
            let key = OutputKey { seq, index: 0 };
            engine.apply(key, Ts(seq), &output)[0].alert.clone()
        };
        let began = told(1, WindowPhase::Began);
        let english = render(&began, &House, Language::English);
        assert_eq!(
            english.title,
            "Margin requirement of XAU/USD raised to 300.00 %"
        );
        assert_eq!(
            english.summary,
            "New exposure needs 300.00 % of its margin until 2025-01-06 12:00 UTC; what was held before follows after its grace. Accounts that hold it: 7."
        );
        let reached = told(2, WindowPhase::Reached);
        assert_eq!(reached.id, began.id);
        let indonesian = render(&reached, &House, Language::Indonesian);
        assert!(
            indonesian.summary.contains("demikian pula yang dipegang"),
            "{}",
            indonesian.summary
        );
        assert_eq!(
            told(3, WindowPhase::Ended).state,
            crate::alert::AlertState::Resolved
        );
    }

    #[test]
    fn instants_are_dates() {
        let day = |days: u64| moment(Ts(days * DAY_NS + 61 * MINUTE_NS));
        assert_eq!(day(0), "1970-01-01 01:01 UTC");
        assert_eq!(day(11_016), "2000-02-29 01:01 UTC");
        assert_eq!(day(20_148), "2025-03-01 01:01 UTC");
    }

    #[test]
    fn numbers_are_exact() {
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(123_456, 5), "1.23456");
        assert_eq!(decimal(7, 0), "7");
        assert_eq!(percent(Ratio(499_999_999_999)), "49.99 %");
        assert_eq!(percent(Ratio(-1_000_000_000)), "-0.10 %");
        assert_eq!(
            duration(61 * SECOND_NS, Language::Indonesian),
            "1 mnt 1 dtk"
        );
    }
}
