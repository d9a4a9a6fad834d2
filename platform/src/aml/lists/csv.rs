/// Longest file that is taken for a list, bytes: ten times the longest of today.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;

/// The fields of each record of a comma-separated file. Quotes may enclose commas, line ends and doubled quotes; the
/// last record needs no line end; an end-of-file mark of DOS is no record. `None` when a quote is not closed.
pub fn records(text: &str) -> Option<Vec<Vec<String>>> {
    let mut records = Vec::new();
    let (mut record, mut field) = (Vec::new(), String::new());
    let mut letters = text.trim_end_matches('\u{1a}').chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            other => field.push(other),
        }
    }
    if quoted {
        return None;
    }
    if !record.is_empty() || !field.is_empty() {
        record.push(field);
        records.push(record);
    }
    records.retain(|record| record.iter().any(|field| !field.trim().is_empty()));
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_commas_and_the_last_line_needs_no_end() {
        let text = "1,\"A, B \"\"C\"\"\",-0- \r\n2,x,y\n\n3,\"two\nlines\",z";
        let records = records(text).expect("closed");
        assert_eq!(records.len(), 3);
        assert_eq!(records[0], ["1", "A, B \"C\"", "-0- "]);
        assert_eq!(records[2], ["3", "two\nlines", "z"]);
        assert_eq!(super::records("1,\"open"), None);
        assert_eq!(super::records("1,2\u{1a}").map(|r| r.len()), Some(1));
    }
}
