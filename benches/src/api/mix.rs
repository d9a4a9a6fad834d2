//! What is asked for: of twenty requests twelve read one lead, five are lists and searches, three write.

/// A request.
pub struct Asked {
    pub method: &'static str,
    pub path: String,
    pub body: String,
}

/// Spreads numbers over what there is, the same in every run.
fn spread(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

/// A lead to be, the `n`-th.
pub fn lead(n: u64) -> String {
    const FIRST: [&str; 8] = [
        "Budi", "Siti", "Agus", "Dewi", "Rizki", "Putri", "Wayan", "Joko",
    ];
    const LAST: [&str; 8] = [
        "Santoso",
        "Nurhaliza",
        "Salim",
        "Lestari",
        "Ramadhan",
        "Wulandari",
        "Wirawan",
        "Pratama",
    ];
    let (first, last) = (
        FIRST[(spread(n) % 8) as usize],
        LAST[(spread(n + 7) % 8) as usize],
    );
    format!(
        r#"{{"source":"instagram","name":"{first} {last} {n}","phone":"+62812{:07}","city":"Bandung"}}"#,
        1_000_000 + n
    )
}

/// The `n`-th request over `leads`; new leads are numbered from `next` on.
pub fn request(n: u64, leads: &[String], next: u64) -> Asked {
    let lead_of = |n: u64| &leads[(spread(n) % leads.len() as u64) as usize];
    let get = |path: String| Asked {
        method: "GET",
        path,
        body: String::new(),
    };
    match n % 20 {
        0..12 => get(format!("/api/v1/crm/leads/{}", lead_of(n))),
        12 | 13 => get("/api/v1/crm/leads?limit=50".into()),
        14 => get("/api/v1/crm/leads?band=none&limit=50".into()),
        15 | 16 => get(format!(
            "/api/v1/crm/leads/search?q=sant0so%20{}",
            spread(n) % 10_000
        )),
        17 | 18 => Asked {
            method: "POST",
            path: format!("/api/v1/crm/leads/{}/notes", lead_of(n)),
            body: format!(r#"{{"kind":"note","text":"call back at {}"}}"#, n % 24),
        },
        _ => Asked {
            method: "POST",
            path: "/api/v1/crm/leads".into(),
            body: lead(next + n),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_percent_read_twenty_five_list_and_fifteen_write() {
        let leads: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        let (mut lists, mut writes) = (0, 0);
        for n in 0..1_000 {
            let asked = request(n, &leads, 10);
            writes += u32::from(asked.method == "POST");
            lists += u32::from(asked.path.contains('?'));
        }
        assert_eq!((lists, writes), (250, 150));
        assert_ne!(lead(1), lead(2));
    }
}
