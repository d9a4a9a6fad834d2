use super::super::checks::expiry::FOR_LIFE;
use super::super::checks::nik::Sex;
use super::super::checks::{find_mrz, npwp};
use super::super::document::{Fields, Kind};

/// Longest value that is taken from a line, characters.
const VALUE_CHARS_MAX: usize = 200;

/// What is taken from the text of a document. What is not found stays empty; nothing is guessed.
pub fn fields(kind: Kind, text: &str, reference_year: i16) -> Fields {
    match kind {
        Kind::Ktp => card(text),
        Kind::Passport => passport(text, reference_year),
        Kind::Npwp => tax(text),
        Kind::ProofOfAddress => Fields {
            nama: labelled(text, &["NAMA", "NAME"]),
            alamat: labelled(text, &["ALAMAT", "ADDRESS"]),
            ..Fields::default()
        },
        Kind::Selfie => Fields::default(),
    }
}

/// The rest of the first line that begins with one of the labels.
fn labelled(text: &str, labels: &[&str]) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim();
        let upper = line.to_ascii_uppercase();
        let label = labels.iter().find(|label| upper.starts_with(*label))?;
        let rest = line.get(label.len()..)?;
        // The label is a word of its own: "NAMA" and not the beginning of another one.
        let value = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, ':' | '=' | '.' | '-' | ';')
        });
        let own = rest.chars().next().is_none_or(|c| !c.is_alphanumeric());
        (own && !value.is_empty()).then(|| value.trim().chars().take(VALUE_CHARS_MAX).collect())
    })
}

fn card(text: &str) -> Fields {
    let sex = labelled(text, &["JENIS KELAMIN"]).map(|value| value.to_ascii_uppercase());
    let sex = sex.and_then(|value| match value {
        value if value.starts_with("PEREMPUAN") => Some(Sex::Female),
        value if value.starts_with("LAKI") => Some(Sex::Male),
        _ => None,
    });
    let until = labelled(text, &["BERLAKU HINGGA"]).map(|value| value.to_ascii_uppercase());
    Fields {
        nama: labelled(text, &["NAMA"]),
        nik: labelled(text, &["NIK"]).and_then(|value| digits(&value, 16)),
        ttl: labelled(
            text,
            &[
                "TEMPAT/TGL LAHIR",
                "TEMPAT / TGL LAHIR",
                "TEMPAT TGL LAHIR",
                "TEMPAT/TGI LAHIR",
            ],
        )
        .and_then(|value| day_in(&value)),
        jenis_kelamin: sex,
        alamat: labelled(text, &["ALAMAT"]),
        berlaku_sampai: until.and_then(|value| {
            if value.starts_with(FOR_LIFE) {
                Some(FOR_LIFE.to_owned())
            } else {
                day_in(&value)
            }
        }),
        ..Fields::default()
    }
}

/// Everything of a passport is in its zone; the page around it differs from state to state.
fn passport(text: &str, reference_year: i16) -> Fields {
    let Some((lines, zone)) = find_mrz(text) else {
        return Fields::default();
    };
    Fields {
        nama: Some(
            format!("{} {}", zone.given_names, zone.surname)
                .trim()
                .to_owned(),
        ),
        ttl: zone.birth(reference_year).map(|day| day.to_string()),
        jenis_kelamin: zone.sex,
        berlaku_sampai: zone.expiry().map(|day| day.to_string()),
        nomor_paspor: Some(zone.document_number),
        kewarganegaraan: Some(zone.nationality),
        mrz: Some(lines),
        ..Fields::default()
    }
}

fn tax(text: &str) -> Fields {
    let number = text.lines().find_map(|line| {
        let plain = npwp::canonical(line);
        digits(&plain, 16).or_else(|| digits(&plain, 15))
    });
    Fields {
        nama: labelled(text, &["NAMA"]),
        npwp: number,
        ..Fields::default()
    }
}

/// The first run of exactly `count` digits, where letters that look like digits count as them.
fn digits(text: &str, count: usize) -> Option<String> {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(as_digit)
        .collect();
    plain
        .split(|c: char| !c.is_ascii_digit())
        .find(|run| run.len() == count)
        .map(str::to_owned)
}

fn as_digit(c: char) -> char {
    match c {
        'O' | 'o' | 'Q' | 'D' => '0',
        'I' | 'l' | '|' => '1',
        'Z' => '2',
        'S' => '5',
        'B' => '8',
        'b' => '6',
        '?' => '7',
        other => other,
    }
}

/// The first day written as `17-08-1945` in a line, as `1945-08-17`.
fn day_in(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || c == ',')
        .find_map(|word| {
            let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
            let [day, month, year] = parts.as_slice() else {
                return None;
            };
            let date =
                jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
                    .ok()?;
            (year.len() == 4).then(|| date.to_string())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_read_line_by_line() {
        let text = "PROVINSI DKI JAKARTA\nNIK : 317l0157084S0001\nNama : SITI NURHALIZA\nTempat/Tgl Lahir : JAKARTA, 17-08-1945\n\
                    Jenis Kelamin : PEREMPUAN Gol. Darah : B\nAlamat : JL. MELATI NO 5\nBerlaku Hingga : SEUMUR HIDUP";
        let card = fields(Kind::Ktp, text, 2026);
        assert_eq!(card.nama.as_deref(), Some("SITI NURHALIZA"));
        assert_eq!(card.nik.as_deref(), Some("3171015708450001"));
        assert_eq!(card.ttl.as_deref(), Some("1945-08-17"));
        assert_eq!(card.jenis_kelamin, Some(Sex::Female));
        assert_eq!(card.alamat.as_deref(), Some("JL. MELATI NO 5"));
        assert_eq!(card.berlaku_sampai.as_deref(), Some("SEUMUR HIDUP"));
        assert_eq!(
            fields(Kind::Ktp, "NAMAKU BUKAN LABEL\n31-02-1999", 2026),
            Fields::default()
        );
    }

    #[test]
    fn a_passport_is_read_from_its_zone() {
        let text = "PASPOR\nP<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
        let read = fields(Kind::Passport, text, 2026);
        assert_eq!(read.nama.as_deref(), Some("ANNA MARIA ERIKSSON"));
        assert_eq!(read.nomor_paspor.as_deref(), Some("L898902C3"));
        assert_eq!(
            (read.ttl.as_deref(), read.berlaku_sampai.as_deref()),
            (Some("1974-08-12"), Some("2012-04-15"))
        );
    }

    #[test]
    fn a_tax_number_is_found_in_its_dots() {
        let read = fields(
            Kind::Npwp,
            "NPWP : 01.312.166.0-091.000\nNama : SITI NURHALIZA",
            2026,
        );
        assert_eq!(read.npwp.as_deref(), Some("013121660091000"));
        assert_eq!(read.nama.as_deref(), Some("SITI NURHALIZA"));
    }
}
