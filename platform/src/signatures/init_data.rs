//! The start data that a messenger hands to a mini app (Telegram): pairs as in an address, one of them a keyed hash over
//! all others.

use crate::aml::lists::entry::hex;

use super::{Hash, mac, same};

/// What the bot's token is hashed under; the result is the key over the data.
const KEY_NAME: &[u8] = b"WebAppData";

/// The pair that is the hash.
const HASH: &str = "hash";

/// Whether the data were made by who knows the bot's token: HMAC-SHA-256 over the decoded pairs, sorted by name, one a
/// line, without the hash. Data with no hash, with two, or that cannot be decoded, are not. Their age is not judged.
pub fn is_genuine(bot_token: &str, init_data: &str) -> bool {
    let Some(mut pairs) = pairs(init_data) else {
        return false;
    };
    pairs.sort();
    let (hashes, rest): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| name == HASH);
    let [(_, presented)] = hashes.as_slice() else {
        return false;
    };
    let lines: Vec<String> = rest
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let key = mac(Hash::Sha256, KEY_NAME, bot_token.as_bytes());
    let expected = hex(&mac(Hash::Sha256, &key, lines.join("\n").as_bytes()));
    same(&expected, presented)
}

fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// A name or value of a form (application/x-www-form-urlencoded); `None` for an escape that is none.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (nibble(rest.next()?)?, nibble(rest.next()?)?);
                (high << 4) | low
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "1:token";

    /// Start data with the hash over these lines.
    fn with_hash(pairs: &str, lines: &str) -> String {
        let key = mac(Hash::Sha256, b"WebAppData", TOKEN.as_bytes());
        let hash = hex(&mac(Hash::Sha256, &key, lines.as_bytes()));
        format!("{pairs}&hash={hash}")
    }

    #[test]
    fn the_pairs_are_decoded_and_sorted() {
        let data = with_hash(
            "user=%7B%22name%22%3A%22Budi+S%22%7D&auth_date=1&query_id=%c3%84",
            "auth_date=1\nquery_id=Ä\nuser={\"name\":\"Budi S\"}",
        );
        assert!(is_genuine(TOKEN, &data));
        assert!(!is_genuine("1:another", &data));
        for changed in [
            data.replace("Budi", "Tuti"),
            data.replace("auth_date=1", "auth_date=2"),
            format!("{data}&more=1"),
            format!("{data}&hash="),
            data[..data.len() - 1].to_owned(),
        ] {
            assert!(!is_genuine(TOKEN, &changed), "{changed}");
        }
    }

    #[test]
    fn what_has_another_form_is_not_genuine() {
        for data in [
            "",
            "&",
            "hash",
            "hash=",
            "a=1",
            "a=%&hash=",
            "a=%zz&hash=",
            "a=%ff&hash=",
        ] {
            assert!(!is_genuine(TOKEN, data), "{data}");
        }
        let unsorted = with_hash("b=1&a=2", "b=1\na=2");
        assert!(!is_genuine(TOKEN, &unsorted));
    }
}
