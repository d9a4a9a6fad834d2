//! By which channel, and when, a person may be written to: pure rules of the channels.

use siaga_risk::units::Ts;

use crate::calendar::{DAY_NS, HOUR_NS, OFFSET_HOURS};

/// WhatsApp: free text only so long after the person's last word; outside of it templates alone.
pub const WHATSAPP_WINDOW_NS: u64 = 24 * HOUR_NS;

/// Messages that ring wait for this hour of Jakarta's clock.
pub const RINGS_FROM: u64 = 8;

/// And are not sent from this hour on.
pub const RINGS_UNTIL: u64 = 20;

/// A way to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Mail.
    Email,
    /// WhatsApp.
    WhatsApp,
    /// A text message.
    Sms,
}

impl Channel {
    /// The name in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::WhatsApp => "whatsapp",
            Channel::Sms => "sms",
        }
    }

    /// The channel of that name.
    pub fn parse(name: &str) -> Option<Channel> {
        [Channel::Email, Channel::WhatsApp, Channel::Sms]
            .into_iter()
            .find(|channel| channel.name() == name)
    }
}

/// What may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// Free text.
    Write,
    /// An approved template.
    Template,
    /// Nothing before then.
    NotBefore(Ts),
}

/// What may be sent by `channel` at `now` to a person whose last word on it came at `heard`.
pub fn may(channel: Channel, heard: Option<Ts>, now: Ts) -> May {
    match channel {
        Channel::Email => May::Write,
        Channel::WhatsApp if heard.is_some_and(|heard| now.since(heard) < WHATSAPP_WINDOW_NS) => {
            May::Write
        }
        Channel::WhatsApp | Channel::Sms => match quiet_until(now) {
            Some(until) => May::NotBefore(until),
            None => May::Template,
        },
    }
}

/// The end of the quiet hours, when `now` is within them.
fn quiet_until(now: Ts) -> Option<Ts> {
    let offset = u64::from(OFFSET_HOURS.unsigned_abs()) * HOUR_NS;
    let local = now.0.saturating_add(offset);
    let (day, of_day) = (local / DAY_NS * DAY_NS, local % DAY_NS);
    let morning = |day: u64| Ts((day + RINGS_FROM * HOUR_NS).saturating_sub(offset));
    if of_day < RINGS_FROM * HOUR_NS {
        Some(morning(day))
    } else if of_day >= RINGS_UNTIL * HOUR_NS {
        Some(morning(day + DAY_NS))
    } else {
        None
    }
}

/// What is known of a lead that is to be written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// There is an address.
    pub email: bool,
    /// There is a telephone number.
    pub phone: bool,
    /// The channel the lead came by is WhatsApp.
    pub prefers_whatsapp: bool,
    /// Said no to mail.
    pub no_email: bool,
    /// Said no to WhatsApp.
    pub no_whatsapp: bool,
    /// Said no to text messages.
    pub no_sms: bool,
}

/// The channel of the first word to a lead that asked to be contacted, and what may be sent on it: the one it came by, else mail,
/// else WhatsApp, else a text message; one that is open now before one that has to wait. A no is kept always.
pub fn first_word(reach: Reach, now: Ts) -> Option<(Channel, May)> {
    let whatsapp = reach.phone && !reach.no_whatsapp;
    let ways = [
        (Channel::WhatsApp, whatsapp && reach.prefers_whatsapp),
        (Channel::Email, reach.email && !reach.no_email),
        (Channel::WhatsApp, whatsapp),
        (Channel::Sms, reach.phone && !reach.no_sms),
    ];
    let open = ways
        .into_iter()
        .filter(|(_, open)| *open)
        .map(|(channel, _)| (channel, may(channel, None, now)));
    let all: Vec<(Channel, May)> = open.collect();
    let at_once = all
        .iter()
        .find(|(_, may)| !matches!(may, May::NotBefore(_)));
    at_once.or(all.first()).copied()
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::*;
    use crate::calendar::midnight;

    fn jakarta(hour: u64) -> Ts {
        midnight(Date::constant(2026, 7, 10)).plus(hour * HOUR_NS)
    }

    #[test]
    fn what_rings_waits_for_the_morning_and_mail_does_not() {
        for (hour, until) in [
            (0, Some(8)),
            (7, Some(8)),
            (8, None),
            (19, None),
            (20, Some(32)),
            (23, Some(32)),
        ] {
            let expected = until.map_or(May::Template, |until| May::NotBefore(jakarta(until)));
            assert_eq!(
                may(Channel::WhatsApp, None, jakarta(hour)),
                expected,
                "{hour}:00"
            );
            assert_eq!(
                may(Channel::Sms, None, jakarta(hour)),
                expected,
                "{hour}:00"
            );
            assert_eq!(may(Channel::Email, None, jakarta(hour)), May::Write);
        }
    }

    #[test]
    fn a_conversation_is_open_for_a_day_after_the_last_word() {
        let now = jakarta(12);
        let heard = |ago: u64| Some(Ts(now.0 - ago));
        assert_eq!(
            may(Channel::WhatsApp, heard(WHATSAPP_WINDOW_NS - 1), now),
            May::Write
        );
        assert_eq!(
            may(Channel::WhatsApp, heard(WHATSAPP_WINDOW_NS), now),
            May::Template
        );
        assert_eq!(may(Channel::Sms, heard(1), now), May::Template);
    }

    #[test]
    fn the_first_word_goes_by_an_open_channel_and_never_against_a_no() {
        let both = Reach {
            email: true,
            phone: true,
            ..Reach::default()
        };
        let day = jakarta(12);
        assert_eq!(first_word(both, day), Some((Channel::Email, May::Write)));
        let chat = Reach {
            prefers_whatsapp: true,
            ..both
        };
        assert_eq!(
            first_word(chat, day),
            Some((Channel::WhatsApp, May::Template))
        );
        assert_eq!(
            first_word(chat, jakarta(22)),
            Some((Channel::Email, May::Write)),
            "at night mail is open"
        );
        let phone = Reach {
            phone: true,
            ..Reach::default()
        };
        assert_eq!(
            first_word(phone, jakarta(22)),
            Some((Channel::WhatsApp, May::NotBefore(jakarta(32))))
        );
        assert_eq!(
            first_word(
                Reach {
                    no_whatsapp: true,
                    ..phone
                },
                day
            ),
            Some((Channel::Sms, May::Template))
        );
        let silent = Reach {
            no_email: true,
            no_whatsapp: true,
            no_sms: true,
            ..both
        };
        assert_eq!(first_word(silent, day), None);
        assert_eq!(first_word(Reach::default(), day), None);
    }
}
