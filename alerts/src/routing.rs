//! Who is told: a small tree of matchers that leads from an alert to sinks, with its waiting times.

use siaga_risk::ids::{AccountId, GroupId, InstrumentId};
use siaga_risk::units::{DAY_NS, MINUTE_NS, SECOND_NS, Ts};

use crate::alert::{Alert, Family, Severity};
use crate::rules::Rule;

/// A receiver of alerts: a webhook, the log, a mail relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkId(pub u16);

/// Longest wait for company before a first delivery: an attempt must follow the event within 5 s (RTS 6).
pub const GROUP_WAIT_NS_MAX: u64 = 4 * SECOND_NS;
const _: () = assert!(GROUP_WAIT_NS_MAX < siaga_risk::notice::BUDGET_NS);

/// What an alert must be. Everything that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matcher {
    pub severity_min: Option<Severity>,
    /// One of these rules; any when empty.
    pub rules: Vec<Rule>,
    pub account: Option<AccountId>,
    pub group: Option<GroupId>,
    pub instrument: Option<InstrumentId>,
    pub desk: Option<u32>,
}

/// Hours of the day in which mild alerts wait. Minutes of the day at `offset_minutes` from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    pub from_minute: u16,
    pub to_minute: u16,
    pub offset_minutes: i16,
}

/// A node of the tree. The first child that matches takes the alert, and the next ones too while `and_on`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub matcher: Matcher,
    pub sinks: Vec<SinkId>,
    /// Alerts of one group travel together.
    pub group_by: GroupBy,
    /// A first delivery waits this long for company.
    pub group_wait_ns: u64,
    /// News of what was told already waits until this long after the group's last delivery.
    pub group_interval_ns: u64,
    pub quiet: Option<QuietHours>,
    pub and_on: bool,
    pub children: Vec<Route>,
}

/// What makes alerts one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    Alert,
    Rule,
    Account,
    Instrument,
}

/// The whole configuration of who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routing {
    pub root: Route,
    /// Margin below the restriction goes to all of these at once, whatever the tree says.
    pub urgent: Vec<SinkId>,
}

/// Where and when one alert goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) sink: SinkId,
    pub(crate) group: (u8, u64),
    pub(crate) wait_ns: u64,
    pub(crate) interval_ns: u64,
    /// Not before this instant.
    pub(crate) not_before: Ts,
}

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingFault {
    #[error(
        "route {route}: group_wait is above 4 s; an alert must be tried within 5 s of its event"
    )]
    WaitTooLong { route: String },
    #[error("route {route}: sink {sink} is not configured")]
    UnknownSink { route: String, sink: u16 },
    #[error("route {route}: quiet hours are minutes of the day, 0 to 1439, and must not be empty")]
    QuietHours { route: String },
    #[error("route {route}: routes are nested deeper than {DEPTH_MAX}")]
    TooDeep { route: String },
}

/// Deepest tree: more is a mistake in the file.
const DEPTH_MAX: usize = 8;

impl Route {
    /// Everything to these sinks at once.
    pub fn to(sinks: Vec<SinkId>) -> Self {
        Self {
            matcher: Matcher::default(),
            sinks,
            group_by: GroupBy::Alert,
            group_wait_ns: 0,
            group_interval_ns: 0,
            quiet: None,
            and_on: false,
            children: Vec::new(),
        }
    }

    fn check(&self, name: &str, known: &[SinkId], depth: usize, faults: &mut Vec<RoutingFault>) {
        let route = || name.to_owned();
        if depth > DEPTH_MAX {
            return faults.push(RoutingFault::TooDeep { route: route() });
        }
        if self.group_wait_ns > GROUP_WAIT_NS_MAX {
            faults.push(RoutingFault::WaitTooLong { route: route() });
        }
        for sink in self.sinks.iter().filter(|sink| !known.contains(sink)) {
            faults.push(RoutingFault::UnknownSink {
                route: route(),
                sink: sink.0,
            });
        }
        let is_bad = |quiet: &QuietHours| {
            quiet.from_minute >= 1_440
                || quiet.to_minute >= 1_440
                || quiet.from_minute == quiet.to_minute
                || quiet.offset_minutes.abs() > 14 * 60
        };
        if self.quiet.as_ref().is_some_and(is_bad) {
            faults.push(RoutingFault::QuietHours { route: route() });
        }
        for (at, child) in self.children.iter().enumerate() {
            child.check(&format!("{name}.{at}"), known, depth + 1, faults);
        }
    }

    /// Collects the deepest matching routes, in order.
    fn walk<'a>(&'a self, alert: &Alert, found: &mut Vec<&'a Route>) -> bool {
        if !self.matcher.matches(alert) {
            return false;
        }
        let before = found.len();
        for child in &self.children {
            if child.walk(alert, found) && !child.and_on {
                break;
            }
        }
        if found.len() == before {
            found.push(self);
        }
        true
    }

    fn group(&self, alert: &Alert) -> (u8, u64) {
        let labels = &alert.labels;
        match self.group_by {
            GroupBy::Alert => (0, alert.id.0),
            GroupBy::Rule => (1, alert.rule.tag().into()),
            GroupBy::Account => (2, labels.account.map_or(u64::MAX, |id| id.0.into())),
            GroupBy::Instrument => (3, labels.instrument.map_or(u64::MAX, |id| id.0.into())),
        }
    }
}

impl Matcher {
    /// Whether an alert is meant.
    pub fn matches(&self, alert: &Alert) -> bool {
        let labels = &alert.labels;
        let fits = |wanted: Option<u64>, found: Option<u64>| wanted.is_none() || wanted == found;
        self.severity_min
            .is_none_or(|least| alert.severity >= least)
            && (self.rules.is_empty() || self.rules.contains(&alert.rule))
            && fits(
                self.account.map(|id| id.0.into()),
                labels.account.map(|id| id.0.into()),
            )
            && fits(
                self.group.map(|id| id.0.into()),
                labels.group.map(|id| id.0.into()),
            )
            && fits(
                self.instrument.map(|id| id.0.into()),
                labels.instrument.map(|id| id.0.into()),
            )
            && fits(self.desk.map(u64::from), labels.desk.map(u64::from))
    }
}

impl Routing {
    /// Everything wrong with the configuration.
    ///
    /// # Errors
    /// All faults, by route.
    pub fn check(&self, known: &[SinkId]) -> Result<(), Vec<RoutingFault>> {
        let mut faults = Vec::new();
        self.root.check("root", known, 0, &mut faults);
        for sink in self.urgent.iter().filter(|sink| !known.contains(sink)) {
            faults.push(RoutingFault::UnknownSink {
                route: "urgent".to_owned(),
                sink: sink.0,
            });
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    /// Where an alert goes now, each sink once.
    pub(crate) fn paths(&self, alert: &Alert, at: Ts) -> Vec<Path> {
        let mut paths: Vec<Path> = Vec::new();
        let mut add = |path: Path| {
            if !paths.iter().any(|known| known.sink == path.sink) {
                paths.push(path);
            }
        };
        if is_urgent(alert) {
            for sink in &self.urgent {
                add(Path {
                    sink: *sink,
                    group: (0, alert.id.0),
                    wait_ns: 0,
                    interval_ns: 0,
                    not_before: at,
                });
            }
        }
        let mut routes = Vec::new();
        self.root.walk(alert, &mut routes);
        for route in routes {
            for sink in &route.sinks {
                add(Path {
                    sink: *sink,
                    group: route.group(alert),
                    wait_ns: if is_pressing(alert) {
                        0
                    } else {
                        route.group_wait_ns.min(GROUP_WAIT_NS_MAX)
                    },
                    interval_ns: route.group_interval_ns,
                    not_before: route.quiet.map_or(at, |quiet| quiet.until(alert, at)),
                });
            }
        }
        paths
    }
}

impl QuietHours {
    /// When an alert may be told. Margin calls and what is critical never wait.
    pub fn until(&self, alert: &Alert, at: Ts) -> Ts {
        if alert.topic.family == Family::Margin || is_pressing(alert) {
            return at;
        }
        let offset_ns = i128::from(self.offset_minutes) * i128::from(MINUTE_NS);
        let local = (i128::from(at.0) + offset_ns).rem_euclid(i128::from(DAY_NS)) as u64;
        let (from, to) = (
            u64::from(self.from_minute) * MINUTE_NS,
            u64::from(self.to_minute) * MINUTE_NS,
        );
        let is_quiet = match from < to {
            true => (from..to).contains(&local),
            false => local >= from || local < to,
        };
        match is_quiet {
            true => at.plus((to + DAY_NS - local) % DAY_NS),
            false => at,
        }
    }
}

/// Below the restriction: push, mail and message at once.
fn is_urgent(alert: &Alert) -> bool {
    matches!(alert.rule, Rule::MarginRestricted | Rule::StopOut)
}

fn is_pressing(alert: &Alert) -> bool {
    alert.severity >= Severity::Critical
}
