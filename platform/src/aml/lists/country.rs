/// Codes of ISO 3166 and the names that lists and forms write, folded. Those of whom the lists speak, and Indonesia's neighbours.
const COUNTRIES: &[(&str, &[&str])] = &[
    ("AE", &["united arab emirates", "uae", "uni emirat arab"]),
    ("AF", &["afghanistan"]),
    ("AL", &["albania"]),
    ("AU", &["australia"]),
    ("BA", &["bosnia and herzegovina"]),
    ("BD", &["bangladesh"]),
    ("BE", &["belgium", "belgia"]),
    ("BH", &["bahrain"]),
    ("BN", &["brunei", "brunei darussalam"]),
    ("BY", &["belarus"]),
    ("CD", &["democratic republic of the congo", "congo democratic republic of the"]),
    ("CF", &["central african republic"]),
    ("CH", &["switzerland", "swiss"]),
    ("CN", &["china", "people s republic of china", "tiongkok"]),
    ("CO", &["colombia"]),
    ("CU", &["cuba"]),
    ("DE", &["germany", "jerman"]),
    ("DZ", &["algeria"]),
    ("EG", &["egypt", "mesir"]),
    ("ER", &["eritrea"]),
    ("ES", &["spain", "spanyol"]),
    ("ET", &["ethiopia"]),
    ("FR", &["france", "prancis"]),
    ("GB", &["united kingdom", "united kingdom of great britain and northern ireland", "great britain", "inggris"]),
    ("GN", &["guinea"]),
    ("GW", &["guinea bissau"]),
    ("HK", &["hong kong"]),
    ("HT", &["haiti"]),
    ("ID", &["indonesia", "republic of indonesia", "wni"]),
    ("IL", &["israel"]),
    ("IN", &["india"]),
    ("IQ", &["iraq", "irak"]),
    ("IR", &["iran", "iran islamic republic of", "islamic republic of iran"]),
    ("IT", &["italy", "italia"]),
    ("JO", &["jordan", "yordania"]),
    ("JP", &["japan", "jepang"]),
    ("KE", &["kenya"]),
    ("KP", &["north korea", "korea north", "democratic people s republic of korea", "korea utara"]),
    ("KR", &["south korea", "korea south", "republic of korea", "korea selatan"]),
    ("KW", &["kuwait"]),
    ("LB", &["lebanon", "libanon"]),
    ("LY", &["libya"]),
    ("MA", &["morocco", "maroko"]),
    ("ML", &["mali"]),
    ("MM", &["burma", "myanmar"]),
    ("MX", &["mexico", "meksiko"]),
    ("MY", &["malaysia"]),
    ("NG", &["nigeria"]),
    ("NL", &["netherlands", "belanda"]),
    ("OM", &["oman"]),
    ("PA", &["panama"]),
    ("PH", &["philippines", "filipina"]),
    ("PK", &["pakistan"]),
    ("PS", &["palestinian", "palestine", "state of palestine", "palestina"]),
    ("QA", &["qatar"]),
    ("RS", &["serbia"]),
    ("RU", &["russia", "russian federation", "rusia"]),
    ("RW", &["rwanda"]),
    ("SA", &["saudi arabia", "arab saudi"]),
    ("SD", &["sudan"]),
    ("SG", &["singapore", "singapura"]),
    ("SO", &["somalia"]),
    ("SS", &["south sudan"]),
    ("SY", &["syria", "syrian arab republic", "suriah"]),
    ("TH", &["thailand"]),
    ("TL", &["timor leste", "east timor"]),
    ("TN", &["tunisia"]),
    ("TR", &["turkey", "turkiye", "turki"]),
    ("TW", &["taiwan"]),
    ("UA", &["ukraine", "ukraina"]),
    ("UG", &["uganda"]),
    ("US", &["united states", "united states of america", "usa", "amerika serikat"]),
    ("UZ", &["uzbekistan"]),
    ("VE", &["venezuela"]),
    ("VN", &["vietnam", "viet nam"]),
    ("YE", &["yemen", "yaman"]),
    ("ZW", &["zimbabwe"]),
];

/// A country as a code of two capital letters where it is known, else its folded name. `None` for nothing.
pub fn country(text: &str) -> Option<String> {
    let trimmed = text.trim();
    if trimmed.len() == 2 && trimmed.bytes().all(|c| c.is_ascii_alphabetic()) {
        return Some(trimmed.to_ascii_uppercase());
    }
    let folded = crate::aml::names::fold::words(trimmed).join(" ");
    if folded.is_empty() || folded == "0" {
        return None;
    }
    let code = COUNTRIES.iter().find(|(_, names)| names.contains(&folded.as_str())).map(|(code, _)| (*code).to_owned());
    Some(code.unwrap_or(folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_has_one_code_whatever_it_is_called() {
        for (text, code) in [("Indonesia", "ID"), ("id", "ID"), ("Suriah", "SY"), ("Korea, North", "KP"), (" Cuba ", "CU")] {
            assert_eq!(country(text).as_deref(), Some(code), "{text}");
        }
        assert_eq!(country("Cape Verde").as_deref(), Some("cape verde"));
        assert_eq!(country("-0- "), None);
        assert_eq!(country(""), None);
    }
}
