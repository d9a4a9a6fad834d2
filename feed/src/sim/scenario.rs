//! What happens to an instrument in each scenario, as a function of the time since it began.

use siaga_risk::units::*;
use std::str::FromStr;

/// A named course of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// An ordinary day.
    #[default]
    Calm,
    /// A steady fall that eats margin without any alarm about speed.
    Trend,
    /// A jump within two seconds that alerts but does not halt, wide spreads, half of it taken back.
    NewsSpike,
    /// A fall of more than twice the halt threshold within three seconds, most of it taken back.
    FlashCrash,
    /// Ten seconds without a quote, then a price elsewhere: stops fill behind their price.
    Gap,
    /// The primary source falls silent, the secondary follows; the connection stays up.
    MuteFeed,
    /// Zero, negative, crossed, repeated quotes among the good ones, and wild ones from the secondary.
    BadTicks,
    /// Sessions closed; crypto trades thinly.
    Weekend,
}

/// A name that is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown scenario \"{0}\"; known are calm, trend, news_spike, flash_crash, gap, mute_feed, bad_ticks, weekend"
)]
pub struct UnknownScenario(pub String);

impl Scenario {
    pub const ALL: [Scenario; 8] = [
        Scenario::Calm,
        Scenario::Trend,
        Scenario::NewsSpike,
        Scenario::FlashCrash,
        Scenario::Gap,
        Scenario::MuteFeed,
        Scenario::BadTicks,
        Scenario::Weekend,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Scenario::Calm => "calm",
            Scenario::Trend => "trend",
            Scenario::NewsSpike => "news_spike",
            Scenario::FlashCrash => "flash_crash",
            Scenario::Gap => "gap",
            Scenario::MuteFeed => "mute_feed",
            Scenario::BadTicks => "bad_ticks",
            Scenario::Weekend => "weekend",
        }
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(name: &str) -> Result<Scenario, UnknownScenario> {
        let plain = name.replace([' ', '-'], "_").to_ascii_lowercase();
        let found = Scenario::ALL
            .into_iter()
            .find(|scenario| scenario.name() == plain);
        found.ok_or_else(|| UnknownScenario(name.to_owned()))
    }
}

/// Where the primary goes silent in `MuteFeed` at once, the secondary follows after this long.
pub const SECONDARY_MUTE_NS: u64 = 8 * SECOND_NS;

/// Length of the hole of `Gap`.
pub const GAP_NS: u64 = 10 * SECOND_NS;

/// A displacement left over from an earlier scenario fades with this time.
const FADE_NS: u64 = 90 * SECOND_NS;

/// What a scenario does to one instrument at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Displacement of the price, parts per 10^12.
    pub bias: i64,
    /// The spread, percent of the usual one.
    pub spread_pct: i64,
    /// Quotes per second, percent of the usual rate.
    pub rate_pct: u64,
    /// Deviation multiplied by this.
    pub turbulence: u32,
    /// The secondary speaks.
    pub secondary: bool,
    /// The primary speaks.
    pub primary: bool,
    /// One quote in so many is bad; 0 = none.
    pub bad_one_in: u64,
}

const USUAL: Effect = Effect {
    bias: 0,
    spread_pct: 100,
    rate_pct: 100,
    turbulence: 1,
    secondary: true,
    primary: true,
    bad_one_in: 0,
};

impl Scenario {
    /// The effect `elapsed_ns` after the scenario began at the displacement `from`, on an instrument with the halt
    /// threshold `halt`. `up` turns a news spike upwards.
    pub fn effect(self, elapsed_ns: u64, from: i64, halt: Ratio, up: bool) -> Effect {
        let of_halt = |percent: i64| halt.0 / 100 * percent;
        let faded = path(elapsed_ns, &[(0, from), (FADE_NS, 0)]);
        let at = |seconds: u64| seconds * SECOND_NS;
        match self {
            Scenario::Calm | Scenario::Weekend => Effect {
                bias: faded,
                ..USUAL
            },
            Scenario::Trend => Effect {
                bias: from + path(elapsed_ns, &[(0, 0), (at(20 * 60), -of_halt(300))]),
                spread_pct: 120,
                ..USUAL
            },
            Scenario::NewsSpike => {
                news_spike(elapsed_ns, faded, of_halt(if up { 65 } else { -65 }))
            }
            Scenario::FlashCrash => flash_crash(elapsed_ns, faded, -of_halt(220)),
            Scenario::Gap => {
                let silent = elapsed_ns < GAP_NS;
                let bias = if silent { from } else { from - of_halt(80) };
                Effect {
                    bias,
                    primary: !silent,
                    secondary: !silent,
                    ..USUAL
                }
            }
            Scenario::MuteFeed => Effect {
                bias: faded,
                primary: false,
                secondary: elapsed_ns < SECONDARY_MUTE_NS,
                ..USUAL
            },
            Scenario::BadTicks => Effect {
                bias: faded,
                bad_one_in: 8,
                ..USUAL
            },
        }
    }
}

fn news_spike(elapsed_ns: u64, faded: i64, peak: i64) -> Effect {
    let at = |seconds: u64| seconds * SECOND_NS;
    let wild = elapsed_ns < at(60);
    let jump = [
        (0, 0),
        (at(2), peak),
        (at(10), peak),
        (at(70), peak / 2),
        (at(300), 0),
    ];
    Effect {
        bias: faded + path(elapsed_ns, &jump),
        spread_pct: path(elapsed_ns, &[(0, 800), (at(5), 600), (at(60), 100)]),
        rate_pct: if wild { 300 } else { 100 },
        turbulence: if wild { 3 } else { 1 },
        ..USUAL
    }
}

fn flash_crash(elapsed_ns: u64, faded: i64, low: i64) -> Effect {
    let at = |seconds: u64| seconds * SECOND_NS;
    let wild = elapsed_ns < at(40);
    let fall = [
        (0, 0),
        (at(3), low),
        (at(8), low),
        (at(40), low / 5),
        (at(300), 0),
    ];
    Effect {
        bias: faded + path(elapsed_ns, &fall),
        spread_pct: path(elapsed_ns, &[(0, 500), (at(8), 1_000), (at(60), 100)]),
        rate_pct: if wild { 400 } else { 100 },
        ..USUAL
    }
}

/// A line through points of (time, value), flat behind the last.
fn path(at_ns: u64, points: &[(u64, i64)]) -> i64 {
    for pair in points.windows(2) {
        let [(t0, v0), (t1, v1)] = [pair[0], pair[1]];
        if at_ns < t1 {
            let done =
                i128::from(at_ns.saturating_sub(t0)) * i128::from(v1 - v0) / i128::from(t1 - t0);
            return v0 + done as i64;
        }
    }
    points.last().map_or(0, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_people_write_them() {
        for scenario in Scenario::ALL {
            assert_eq!(scenario.name().parse(), Ok(scenario));
        }
        assert_eq!("Flash crash".parse(), Ok(Scenario::FlashCrash));
        assert!(
            "boom"
                .parse::<Scenario>()
                .unwrap_err()
                .to_string()
                .contains("flash_crash")
        );
    }

    #[test]
    fn a_flash_crash_passes_the_halt_and_comes_back() {
        let halt = Ratio::percent(1);
        let bias = |ns| Scenario::FlashCrash.effect(ns, 0, halt, false).bias;
        assert_eq!(bias(0), 0);
        assert!(bias(2 * SECOND_NS) < -halt.0);
        assert_eq!(bias(5 * SECOND_NS), -22_000_000_000);
        assert_eq!(bias(HOUR_NS), 0);
    }

    #[test]
    fn a_news_spike_alerts_without_halting() {
        let halt = Ratio::percent(10);
        let peak = Scenario::NewsSpike
            .effect(5 * SECOND_NS, 0, halt, true)
            .bias;
        assert!(peak > Ratio::percent(3).0 && peak < halt.0);
    }
}
