/// Codes of ISO 3166 and the names that lists and forms write, folded. Those of whom the lists speak, and Indonesia's neighbours.
const COUNTRIES: &[(&str, &[&str])] = &[
    (
        "AE",
        &["united arab emirates", "uae", "uni emirat arab", "are"],
    ),
    ("AF", &["afghanistan", "afg"]),
    ("AL", &["albania", "alb"]),
    ("AU", &["australia", "aus"]),
    ("BA", &["bosnia and herzegovina", "bih"]),
    ("BD", &["bangladesh", "bgd"]),
    ("BE", &["belgium", "belgia", "bel"]),
    ("BH", &["bahrain", "bhr"]),
    ("BN", &["brunei", "brunei darussalam", "brn"]),
    ("BY", &["belarus", "blr"]),
    (
        "CD",
        &[
            "democratic republic of the congo",
            "congo democratic republic of the",
            "cod",
        ],
    ),
    ("CF", &["central african republic", "caf"]),
    ("CH", &["switzerland", "swiss", "che"]),
    (
        "CN",
        &["china", "people s republic of china", "tiongkok", "chn"],
    ),
    ("CO", &["colombia", "col"]),
    ("CU", &["cuba", "cub"]),
    ("DE", &["germany", "jerman", "deu"]),
    ("DZ", &["algeria", "dza"]),
    ("EG", &["egypt", "mesir", "egy"]),
    ("ER", &["eritrea", "eri"]),
    ("ES", &["spain", "spanyol", "esp"]),
    ("ET", &["ethiopia", "eth"]),
    ("FR", &["france", "prancis", "fra"]),
    (
        "GB",
        &[
            "united kingdom",
            "united kingdom of great britain and northern ireland",
            "great britain",
            "inggris",
            "gbr",
        ],
    ),
    ("GN", &["guinea", "gin"]),
    ("GW", &["guinea bissau"]),
    ("HK", &["hong kong", "hkg"]),
    ("HT", &["haiti", "hti"]),
    ("ID", &["indonesia", "republic of indonesia", "wni", "idn"]),
    ("IL", &["israel", "isr"]),
    ("IN", &["india", "ind"]),
    ("IQ", &["iraq", "irak", "irq"]),
    (
        "IR",
        &[
            "iran",
            "iran islamic republic of",
            "islamic republic of iran",
            "irn",
        ],
    ),
    ("IT", &["italy", "italia", "ita"]),
    ("JO", &["jordan", "yordania", "jor"]),
    ("JP", &["japan", "jepang", "jpn"]),
    ("KE", &["kenya", "ken"]),
    (
        "KP",
        &[
            "north korea",
            "korea north",
            "democratic people s republic of korea",
            "korea utara",
            "prk",
        ],
    ),
    (
        "KR",
        &[
            "south korea",
            "korea south",
            "republic of korea",
            "korea selatan",
            "kor",
        ],
    ),
    ("KW", &["kuwait", "kwt"]),
    ("LB", &["lebanon", "libanon", "lbn"]),
    ("LY", &["libya", "lby"]),
    ("MA", &["morocco", "maroko", "mar"]),
    ("ML", &["mali", "mli"]),
    ("MM", &["burma", "myanmar", "mmr"]),
    ("MX", &["mexico", "meksiko", "mex"]),
    ("MY", &["malaysia", "mys"]),
    ("NG", &["nigeria", "nga"]),
    ("NL", &["netherlands", "belanda", "nld"]),
    ("OM", &["oman", "omn"]),
    ("PA", &["panama", "pan"]),
    ("PH", &["philippines", "filipina", "phl"]),
    ("PK", &["pakistan", "pak"]),
    (
        "PS",
        &[
            "palestinian",
            "palestine",
            "state of palestine",
            "palestina",
            "pse",
        ],
    ),
    ("QA", &["qatar", "qat"]),
    ("RS", &["serbia", "srb"]),
    ("RU", &["russia", "russian federation", "rusia", "rus"]),
    ("RW", &["rwanda", "rwa"]),
    ("SA", &["saudi arabia", "arab saudi", "sau"]),
    ("SD", &["sudan", "sdn"]),
    ("SG", &["singapore", "singapura", "sgp"]),
    ("SO", &["somalia", "som"]),
    ("SS", &["south sudan", "ssd"]),
    ("SY", &["syria", "syrian arab republic", "suriah", "syr"]),
    ("TH", &["thailand", "tha"]),
    ("TL", &["timor leste", "east timor", "tls"]),
    ("TN", &["tunisia", "tun"]),
    ("TR", &["turkey", "turkiye", "turki", "tur"]),
    ("TW", &["taiwan", "twn"]),
    ("UA", &["ukraine", "ukraina", "ukr"]),
    ("UG", &["uganda", "uga"]),
    (
        "US",
        &[
            "united states",
            "united states of america",
            "usa",
            "amerika serikat",
        ],
    ),
    ("UZ", &["uzbekistan", "uzb"]),
    ("VE", &["venezuela", "ven"]),
    ("VN", &["vietnam", "viet nam", "vnm"]),
    ("YE", &["yemen", "yaman", "yem"]),
    ("ZW", &["zimbabwe", "zwe"]),
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
    let code = COUNTRIES
        .iter()
        .find(|(_, names)| names.contains(&folded.as_str()))
        .map(|(code, _)| (*code).to_owned());
    Some(code.unwrap_or(folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_has_one_code_whatever_it_is_called() {
        for (text, code) in [
            ("Indonesia", "ID"),
            ("id", "ID"),
            ("Suriah", "SY"),
            ("Korea, North", "KP"),
            (" Cuba ", "CU"),
            ("PRK", "KP"),
        ] {
            assert_eq!(country(text).as_deref(), Some(code), "{text}");
        }
        assert_eq!(country("Cape Verde").as_deref(), Some("cape verde"));
        assert_eq!(country("-0- "), None);
        assert_eq!(country(""), None);
    }
}
