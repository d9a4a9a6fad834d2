//! Inputs and outputs as journal records: a kind and a payload.

use crate::codec::{Codec, CodecError, CodecFault, decode};
use crate::event::*;
use crate::units::Ts;

/// Kind of a quote: readers of the past look for these alone.
pub(crate) const QUOTE: u16 = 1;
const TRADE: u16 = 2;
const GAP: u16 = 3;
const CLOCK: u16 = 4;
/// Commands are numbered from here by their body's tag, so `journal inspect` counts them apart.
const COMMAND: u16 = 0x100;

/// Appends an input's payload to `payload` and returns the record's kind.
#[inline]
pub fn put_input(input: &Input, payload: &mut Vec<u8>) -> u16 {
    match input {
        Input::Quote(quote) => {
            quote.put(payload);
            QUOTE
        }
        Input::Trade(trade) => {
            trade.put(payload);
            TRADE
        }
        Input::Gap(gap) => {
            gap.put(payload);
            GAP
        }
        Input::Clock(ts) => {
            ts.put(payload);
            CLOCK
        }
        Input::Command(command) => {
            command.ts.put(payload);
            command.actor.put(payload);
            command.token.put(payload);
            command.body.put_fields(payload);
            COMMAND + u16::from(command.body.tag())
        }
    }
}

/// The input of a journal record.
///
/// # Errors
/// [`CodecError`] when the kind is unknown or the payload is not its encoding.
pub fn get_input(kind: u16, payload: &[u8]) -> Result<Input, CodecError> {
    match kind {
        QUOTE => decode(payload).map(Input::Quote),
        TRADE => decode(payload).map(Input::Trade),
        GAP => decode(payload).map(Input::Gap),
        CLOCK => decode(payload).map(Input::Clock),
        kind => {
            let unknown = CodecError::new("Input", CodecFault::UnknownTag(u64::from(kind)));
            let tag = kind
                .checked_sub(COMMAND)
                .and_then(|tag| u8::try_from(tag).ok())
                .ok_or(unknown)?;
            let mut rest = payload;
            let ts = Ts::get(&mut rest)?;
            let actor = Codec::get(&mut rest)?;
            let token = u64::get(&mut rest)?;
            let body = Body::get_fields(tag, &mut rest)?;
            all_read(rest, "Command")?;
            Ok(Input::Command(Box::new(Command {
                ts,
                actor,
                token,
                body,
            })))
        }
    }
}

/// Appends an input as JSON: its fields by their names, ids and numbers alone.
pub fn tell_input(input: &Input, json: &mut String) {
    match input {
        Input::Quote(quote) => quote.tell(json),
        Input::Trade(trade) => trade.tell(json),
        Input::Gap(gap) => gap.tell(json),
        Input::Clock(ts) => {
            json.push_str("{\"ts\":");
            ts.tell(json);
            json.push('}');
        }
        Input::Command(command) => command.tell(json),
    }
}

/// A kind's name, for people who inspect a journal.
pub fn input_kind_name(kind: u16) -> &'static str {
    match kind {
        QUOTE => "quote",
        TRADE => "trade",
        GAP => "gap",
        CLOCK => "clock",
        0x101 => "currency",
        0x102 => "source",
        0x103 => "link",
        0x104 => "instrument",
        0x105 => "group",
        0x106 => "account",
        0x10a => "cash",
        0x114 => "order",
        0x115 => "cancel",
        0x116 => "protect",
        0x11e => "broker_report",
        0x11f => "link_state",
        0x120 => "set_link",
        0x121 => "reconciled",
        0x122 => "broker_close",
        0x128 => "session",
        0x129 => "rollover",
        0x12a => "day_start",
        0x12b => "clock_jump",
        0x130 => "mark_price",
        0x131 => "open_interest",
        0x132 => "mode",
        0x133 => "kill",
        0x134 => "limit",
        0x135 => "halt",
        0x136 => "review",
        0x138 => "requirement",
        0x137 => "acknowledge_risk",
        0x139 => "confirm_call",
        0x13a => "reenable",
        0x13c => "alert",
        0x13d => "logged_in",
        _ => "unknown",
    }
}

macro_rules! outputs {
    ($($variant:ident = $kind:literal, $name:literal;)*) => {
        /// Appends an output's payload to `payload` and returns the record's kind. The time of its
        /// input stands first, so a reader of the output log alone knows when it happened.
        pub fn put_output(ts: Ts, output: &Output, payload: &mut Vec<u8>) -> u16 {
            ts.put(payload);
            match output {
                $(Output::$variant(value) => {
                    value.put(payload);
                    $kind
                })*
            }
        }

        /// The output of an output-log record, with the time of its input.
        ///
        /// # Errors
        /// [`CodecError`] when the kind is unknown or the payload is not its encoding.
        pub fn get_output(kind: u16, payload: &[u8]) -> Result<(Ts, Output), CodecError> {
            let mut rest = payload;
            let ts = Ts::get(&mut rest)?;
            let output = match kind {
                $($kind => Output::$variant(Codec::get(&mut rest)?),)*
                other => {
                    let fault = CodecFault::UnknownTag(u64::from(other));
                    return Err(CodecError::new("Output", fault));
                }
            };
            all_read(rest, "Output")?;
            Ok((ts, output))
        }

        /// Appends an output as JSON: its fields by their names, ids and numbers alone.
        pub fn tell_output(output: &Output, json: &mut String) {
            match output {
                $(Output::$variant(value) => value.tell(json),)*
            }
        }

        /// An output kind's name.
        pub fn output_kind_name(kind: u16) -> &'static str {
            match kind {
                $($kind => $name,)*
                _ => "unknown",
            }
        }

        impl Output {
            /// The output's name, as in `risk.<name>` of the event table.
            pub fn name(&self) -> &'static str {
                match self { $(Output::$variant(_) => $name,)* }
            }
        }
    };
}

outputs! {
    Mark = 1, "mark";
    Print = 2, "print";
    Bar = 3, "bar_closed";
    Dropped = 4, "dropped";
    Answer = 5, "answer";
    Order = 6, "order";
    Send = 7, "send";
    Deal = 8, "deal";
    Position = 9, "position";
    Cash = 10, "cash";
    Margin = 11, "margin";
    StopOut = 12, "stop_out";
    Loss = 13, "loss";
    Protective = 14, "protective";
    Volatility = 15, "volatility";
    Breach = 16, "breach";
    Halt = 17, "halt";
    Feed = 18, "feed";
    Switch = 19, "source_switch";
    Gap = 20, "gap";
    Link = 21, "link";
    Mode = 22, "mode";
    Kill = 23, "kill";
    Conversion = 24, "conversion";
    Session = 25, "session";
    DayStart = 26, "day_start";
    ClockJump = 27, "clock_jump";
    Alert = 28, "alert_command";
    Terms = 29, "terms";
    Checkpoint = 30, "checkpoint";
    Throttle = 31, "throttle";
    Noted = 32, "noted";
    Window = 33, "requirement_window";
    Rung = 40, "margin_level";
}

fn all_read(rest: &[u8], name: &'static str) -> Result<(), CodecError> {
    if rest.is_empty() {
        return Ok(());
    }
    let bytes = rest.len();
    Err(CodecError::new(name, CodecFault::Trailing { bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::*;
    use crate::units::*;

    #[test]
    fn commands_keep_their_kind_and_come_back_whole() {
        let command = Command {
            ts: Ts(9),
            actor: ActorId(3),
            token: 77,
            body: Body::Cash(Cash {
                account: AccountId(1),
                kind: CashKind::Deposit,
                amount: Money(1_000),
                reference: 5,
            }),
        };
        let input = Input::Command(Box::new(command));
        let mut payload = Vec::new();
        let kind = put_input(&input, &mut payload);
        assert_eq!(input_kind_name(kind), "cash");
        assert_eq!(get_input(kind, &payload), Ok(input));
        payload.push(0);
        assert!(
            get_input(kind, &payload).is_err(),
            "trailing bytes are refused"
        );
        assert!(get_input(0x1ff, &payload).is_err());
        assert!(get_input(50, &payload).is_err());
    }

    #[test]
    fn inputs_and_outputs_are_told_by_the_names_of_their_fields() {
        let mut json = String::new();
        let input = Input::Command(Box::new(Command {
            ts: Ts(9),
            actor: ActorId(3),
            token: 77,
            body: Body::Cash(Cash {
                account: AccountId(1),
                kind: CashKind::Deposit,
                amount: Money(-1_000),
                reference: 5,
            }),
        }));
        tell_input(&input, &mut json);
        assert_eq!(
            json,
            r#"{"ts":9,"actor":3,"token":77,"body":{"Cash":{"account":1,"kind":"Deposit","amount":-1000,"reference":5}}}"#
        );
        json.clear();
        tell_input(&Input::Clock(Ts(4)), &mut json);
        assert_eq!(json, r#"{"ts":4}"#);
        json.clear();
        tell_output(&Output::ClockJump(ClockJump { by_ns: -5 }), &mut json);
        assert_eq!(json, r#"{"by_ns":-5}"#);
        json.clear();
        let answer = Output::Answer(Answer {
            token: 1,
            actor: ActorId(2),
            account: None,
            order: Some(OrderId(7)),
            repeated: true,
            reasons: Default::default(),
        });
        tell_output(&answer, &mut json);
        let told: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(told["order"], 7);
        assert!(told["account"].is_null() && told["reasons"].is_array());
    }

    #[test]
    fn outputs_carry_the_time_of_their_input() {
        let output = Output::ClockJump(ClockJump { by_ns: -5 });
        let mut payload = Vec::new();
        let kind = put_output(Ts(4), &output, &mut payload);
        assert_eq!(get_output(kind, &payload), Ok((Ts(4), output.clone())));
        assert_eq!(output_kind_name(kind), output.name());
        assert!(get_output(99, &payload).is_err());
        assert!(get_output(kind, &payload[..3]).is_err());
    }
}
