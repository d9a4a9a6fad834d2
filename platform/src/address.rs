//! E-mail addresses and telephone numbers in one form for every engine, so that equal ones are equal and leads and users meet.

use phonenumber::country;
use unicode_normalization::UnicodeNormalization as _;

use crate::kyc::checks::phone::mobile_e164;

/// Longest address (RFC 5321: a path of 256 with its brackets).
const EMAIL_MAX: usize = 254;
/// Longest part before the @ (RFC 5321).
const LOCAL_MAX: usize = 64;
/// Longest label of a domain (RFC 1035).
const LABEL_MAX: usize = 63;
/// Longest text that is tried as a number: 15 digits and their separators.
const PHONE_CHARS_MAX: usize = 40;
/// The country of a number that names none.
pub const HOME: country::Id = country::Id::ID;

/// The canonical address: compatibility forms folded, lower case. What is still not ASCII is refused: a
/// letter of another script looks like one of ours and is another address.
///
/// # Errors
/// What is wrong with it, in words for whoever typed it.
pub fn email(text: &str) -> Result<String, &'static str> {
    let refuse = Err;
    if text.len() > 4 * EMAIL_MAX {
        return refuse("it is too long");
    }
    let folded: String = text.trim().nfkc().collect::<String>().to_lowercase();
    if !folded.is_ascii() {
        return refuse("it has letters that look like others; write it in plain letters");
    }
    let Some((local, domain)) = folded.rsplit_once('@') else {
        return refuse("write it as name@domain");
    };
    if folded.len() > EMAIL_MAX || local.len() > LOCAL_MAX {
        return refuse("it is too long");
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    if local.is_empty()
        || !local.chars().all(plain)
        || local.starts_with('.')
        || local.ends_with('.')
        || local.contains("..")
    {
        return refuse("what stands before the @ is no name of a mailbox");
    }
    let labels: Vec<&str> = domain.split('.').collect();
    let fits = |label: &&str| {
        !label.is_empty()
            && label.len() <= LABEL_MAX
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if labels.len() < 2
        || !labels.iter().all(fits)
        || labels
            .last()
            .is_some_and(|top| top.chars().all(|c| c.is_ascii_digit()))
    {
        return refuse("what stands behind the @ is no domain");
    }
    if labels.iter().any(|label| label.starts_with("xn--")) {
        return refuse("domains of other scripts can look like another domain and are not taken");
    }
    Ok(folded)
}

/// The number in E.164 form (`+62812345678`). A number without a country is Indonesian.
///
/// # Errors
/// What is wrong with it, in words for whoever typed it.
pub fn phone(text: &str) -> Result<String, &'static str> {
    const REFUSED: &str = "write it with its country, like +62 812 345 678";
    let text: String = text.trim().nfkc().take(PHONE_CHARS_MAX + 1).collect();
    if text.chars().count() > PHONE_CHARS_MAX {
        return Err(REFUSED);
    }
    // Most are mobile numbers of ours, and those have one rule.
    if let Some(mobile) = mobile_e164(&text) {
        return Ok(mobile);
    }
    if text.is_empty()
        || !text
            .chars()
            .all(|c| c.is_ascii_digit() || "+ -().".contains(c))
    {
        return Err(REFUSED);
    }
    let digits: String = text
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    if digits.rfind('+').is_some_and(|at| at > 0) {
        return Err(REFUSED);
    }
    // 00 is dialled where + is written; a national number of ours begins with 0 or 8, so 62… is a country.
    let written = match digits.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None if digits.starts_with("62") => format!("+{digits}"),
        None => digits,
    };
    // Some write the trunk 0 behind the country: no Indonesian number has it there.
    let written = match written.strip_prefix("+620") {
        Some(rest) => format!("+62{rest}"),
        None => written,
    };
    let number = phonenumber::parse(Some(HOME), &written).map_err(|_| REFUSED)?;
    if !phonenumber::is_valid(&number) {
        return Err(REFUSED);
    }
    Ok(number.format().mode(phonenumber::Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_form() {
        for text in [
            "Sari@Contoh.ID",
            " sari@contoh.id ",
            "ｓａｒｉ@contoh.id",
            "sari@ｃontoh.id",
        ] {
            assert_eq!(email(text).expect(text), "sari@contoh.id", "{text}");
        }
        assert_eq!(email("a.b+c@x-y.co.id").expect("plain"), "a.b+c@x-y.co.id");
    }

    #[test]
    fn look_alikes_and_what_is_no_address_are_refused() {
        let long = format!("{}@contoh.id", "a".repeat(65));
        for text in [
            "sаri@contoh.id", // a Cyrillic а
            "sari@cоntoh.id", // a Cyrillic о
            "sari@xn--cntoh-0ce.id",
            "sari\u{200b}@contoh.id",
            "sari",
            "@contoh.id",
            "sari@",
            "sari@contoh",
            "sari@-contoh.id",
            "sari@contoh..id",
            "sari@10.0.0.1",
            ".sari@contoh.id",
            "sa..ri@contoh.id",
            "sa ri@contoh.id",
            "sari@contoh.id\r\nbcc: x@y.id",
            "a@b@c.id",
            &long,
        ] {
            assert!(email(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_meet_in_e164() {
        for text in [
            "0812-3456-7890",
            "+62 812 3456 7890",
            "0062 812 3456 7890",
            "6281234567890",
            "+62 (0)812 3456 7890",
            "81234567890",
            "０８１２ 3456 7890",
            "0812/3456/7890",
            "0812\u{2013}3456\u{2013}7890",
        ] {
            assert_eq!(phone(text).expect(text), "+6281234567890", "{text}");
        }
        assert_eq!(phone("+65 9123 4567").expect("Singapore"), "+6591234567");
        for text in [
            "",
            "12",
            "+",
            "0812-CALL-ME",
            "+62+812",
            "+999123456789",
            "１２",
        ] {
            assert!(phone(text).is_err(), "{text}");
        }
    }
}
