//! Personal data as they are shown to those who may know that they are there and not what they are.

/// Stands for what is not shown.
const HIDDEN: &str = "•••";

/// `s•••@contoh.id`: the first letter and the domain.
pub fn mask_email(email: &str) -> String {
    match email.split_once('@') {
        Some((name, domain)) => {
            let first: String = name.chars().take(1).collect();
            format!("{first}{HIDDEN}@{domain}")
        }
        None => HIDDEN.to_owned(),
    }
}

/// `S••• N•••`: the first letter of each word.
pub fn mask_name(name: &str) -> String {
    let words = name.split_whitespace().map(|word| {
        let first: String = word.chars().take(1).collect();
        format!("{first}{HIDDEN}")
    });
    words.collect::<Vec<_>>().join(" ")
}

/// `•••42`: the last two characters of a telephone, document or account number of six and more.
pub fn mask_number(number: &str) -> String {
    let count = number.chars().count();
    if count < 6 {
        return HIDDEN.to_owned();
    }
    let last: String = number.chars().skip(count - 2).collect();
    format!("{HIDDEN}{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_masked_does_not_say_the_value() {
        assert_eq!(mask_email("sari@contoh.id"), "s•••@contoh.id");
        assert_eq!(mask_email("sari"), "•••");
        assert_eq!(mask_name("Siti  Nurhaliza"), "S••• N•••");
        assert_eq!(mask_number("+6281234567842"), "•••42");
        assert_eq!(mask_number("12345"), "•••");
    }
}
