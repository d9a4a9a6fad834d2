//! The words. `{name}` is replaced by a number, a name or a word of the alert.

use crate::rules::Rule;

/// Languages the house speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Indonesian,
}

impl Language {
    /// The language of a tag like `id-ID`; English when it is neither.
    pub fn from_tag(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("id") || primary.eq_ignore_ascii_case("in") {
            Language::Indonesian
        } else {
            Language::English
        }
    }
}

/// The three texts of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    pub title: &'static str,
    pub summary: &'static str,
    pub advice: &'static str,
}

const fn text(title: &'static str, summary: &'static str, advice: &'static str) -> Template {
    Template {
        title,
        summary,
        advice,
    }
}

/// The texts of a rule in a language.
pub fn of(rule: Rule, language: Language) -> Template {
    match language {
        Language::English => english(rule),
        Language::Indonesian => indonesian(rule),
    }
}

fn english(rule: Rule) -> Template {
    match rule {
        Rule::MarginWarning => text(
            "Margin warning for account {account}: level {value}",
            "The level is below {raise}. Equity {equity}, used margin {used}; the move came from {instrument}.",
            "Call the client: deposit, or reduce positions, before the level reaches the restriction.",
        ),
        Rule::MarginRestricted => text(
            "Account {account} is restricted: margin level {value}",
            "The level is below {raise}. Equity {equity}, used margin {used}. New positions are refused; closing and depositing go on.",
            "Reach the client now. The client must acknowledge the risk before opening again.",
        ),
        Rule::StopOut => text(
            "Stop-out of account {account}",
            "Equity {equity}, used margin {used}, stop-out level {raise}. {acted}",
            "Watch the closes until the level is above the threshold; tell the client what was closed and why.",
        ),
        Rule::NegativeBalance => text(
            "Account {account} owes money: balance {value}",
            "The balance fell below zero; {at_risk} is not covered.",
            "Stop withdrawals and decide on negative balance compensation.",
        ),
        Rule::MarginLevel => text(
            "Account {account} is down to a margin level of {value}",
            "The level reached {raise}. Equity {equity}, used margin {used}.",
            "Tell the client how far the stop-out is.",
        ),
        Rule::LossDrawdown => text(
            "Account {account} is {value} below its highest equity",
            "The drawdown is above the limit of {raise}.",
            "Look at the open positions and speak with the client about stops.",
        ),
        Rule::LossAccount => text(
            "Account {account} lost {value}",
            "The loss is above the limit of {raise}.",
            "Look at the open positions and speak with the client about stops.",
        ),
        Rule::LossPosition => text(
            "Position {position} of account {account} is down {value}",
            "The loss in {instrument} is above the limit of {raise}.",
            "Check whether a stop-loss is set; speak with the client.",
        ),
        Rule::Volatility => text(
            "High volatility in {instrument}: {value} in five minutes",
            "The realised volatility is above {raise}.",
            "Watch spreads and margin of the holders; consider a higher requirement.",
        ),
        Rule::Breach => text(
            "{instrument} moved {value} {how}",
            "The move is above the alert threshold of {raise}.",
            "Compare with a second source; a halt follows by rule if it goes on.",
        ),
        Rule::Halt => text(
            "{instrument} is halted: {why}",
            "Leveraged entry is off; {margin}; accounts that hold it: {holders}. Closing goes on.",
            "Verify the price with another source. {lifts}",
        ),
        Rule::RequirementRaised => text(
            "Margin requirement of {instrument} raised to {value}",
            "New exposure needs {value} of its margin until {until}; {held}. Accounts that hold it: {holders}.",
            "Tell the holders; the window ends by itself, and a named person may end it sooner.",
        ),
        Rule::FeedDelayed => text(
            "Delayed prices in {instrument}",
            "The last price is {value} old. It is shown with its age; nobody is closed out on it.",
            "Nothing yet: the next source is tried. Look at the source's session when it lasts.",
        ),
        Rule::FeedUnavailable => text(
            "No prices in {instrument}",
            "All sources have been quiet for {value}. New orders are refused; closing goes to the broker's price.",
            "Call the data vendor; tell the desk that margin uses a haircut until prices return.",
        ),
        Rule::FeedDown => text(
            "Price source {source} is down",
            "The connection is lost. Its instruments run on the next source or on their last price.",
            "Check the network and the vendor's status; reconnection is tried all the time.",
        ),
        Rule::FeedSwitched => text(
            "{instrument} runs on source {to}",
            "Source {source} went quiet and the next one took over.",
            "Nothing: it returns with the first good quote.",
        ),
        Rule::FeedDamped => text(
            "{instrument} stays on source {to} for now",
            "Source {source} came and went three times within a minute.",
            "Look at the unstable source before it serves again.",
        ),
        Rule::ConversionMissing => text(
            "No rate {from_currency}/{to_currency} for account {account}",
            "The margin level is unknown: no new positions, no stop-out on a guess.",
            "Restore a source of the rate, or of one of its crosses.",
        ),
        Rule::LinkReadOnly => text(
            "Broker link {link} is read-only",
            "New positions are refused; {queued} closes wait durably, {in_doubt} orders are in doubt.",
            "Check the broker's connection; for urgent closes call the broker by telephone.",
        ),
        Rule::LinkRecovering => text(
            "Broker link {link} is being reconciled",
            "{queued} closes wait, {in_doubt} orders are in doubt.",
            "Wait; if it lasts, ask the broker about the orders in doubt.",
        ),
        Rule::OrderInDoubt => text(
            "Order {order} of account {account} is in doubt",
            "{side} {qty} {instrument}, {filled} filled so far: the broker has not answered. It is never sent twice.",
            "Ask the broker by telephone what became of the order.",
        ),
        Rule::Overfill => text(
            "Order {order} of account {account} filled more than was ordered",
            "{side} {qty} {instrument} was ordered, the broker reports {filled}. All of it is booked.",
            "Ask the broker whether it is true; if an execution was reported twice, have it busted.",
        ),
        Rule::Unbooked => text(
            "An execution of order {order} of account {account} could not be booked",
            "{side} {qty} {instrument}, {filled} booked so far: the broker holds more than our books say.",
            "Ask the broker to report it again, or settle it with the broker and mark the order as reconciled.",
        ),
        Rule::ForgottenOrder => text(
            "The broker reports an execution of order {order}, which is no longer remembered",
            "Orders are remembered for a day after their end. Nothing was booked: the execution is new or taken back, or the broker says an old one again.",
            "Ask the broker which it is and compare the account's position; what is missing is corrected by a named person.",
        ),
        Rule::ProtectiveUnanswered => text(
            "The broker did not act on a {kind} of account {account}",
            "{instrument} crossed {raise} at {value}; position {position} is still open.",
            "Call the broker and close the position by hand if it is agreed.",
        ),
        Rule::Mode => text(
            "Trading mode of {scope}: {mode}",
            "Set by {actor}.",
            "Lift it when the reason is gone; a release needs a second person.",
        ),
        Rule::Kill => text(
            "Kill switch on for {scope}",
            "Set by {actor}; {cancelled} working orders were cancelled.",
            "Find the cause first; two people release it.",
        ),
        Rule::RepeatedExecution => text(
            "Latched after {value} executions: {scope}",
            "The same {side} in {instrument} was executed {value} times; new orders of {scope} are refused.",
            "Find out what repeats; a named person enables it again.",
        ),
        Rule::ClockJump => text(
            "The clock jumped by {value}",
            "The wall clock moved against the monotonic one, or was behind the journal at a start; our time never goes back.",
            "Check the time synchronisation of the machine. Where a running clock leapt by more than three days, the swaps of the nights in between are not charged: settle them by hand if the new time is right; /readyz?verbose names them until then.",
        ),
        Rule::Journal => text(
            "The journal cannot be written",
            "A write to the journal or to the output log failed. Nothing more is recorded; every order is refused. Alerts from now on are unrecorded.",
            "Call the broker for urgent closes, free the disk or put in a good one, restart.",
        ),
        Rule::SinkFailing => text(
            "Alerts do not get through to {sink}",
            "{failed} attempts in a row failed; they are tried again.",
            "Check the address, the secret and the receiver; use another channel meanwhile.",
        ),
        Rule::SinkDisabled => text(
            "{sink} takes no alerts any more",
            "The receiver answered that it is gone (410): nothing more is sent there.",
            "Correct the address of the receiver and restart; use another channel meanwhile.",
        ),
        Rule::ReaderCutOff => text(
            "Reader {reader} of the output log was cut off",
            "It was too slow and the log reached its size limit; it must rebuild.",
            "Find out why it stood still, then run the rebuild.",
        ),
        Rule::StandbyDiverged => text(
            "The standby diverged at input {input}",
            "The second machine does not follow the first one any more; no snapshot is written until a fresh one, tried after a minute, follows.",
            "If this is not resolved soon: keep the data folder, run `siaga journal verify` on a copy of it, then restart.",
        ),
        Rule::InputsLost => text(
            "Inputs {first} to {last} are gone",
            "They were recorded and acknowledged, and the journal ends before them; {orders} orders went to brokers in them.",
            "Compare orders, positions and payments by hand; the file lost-….txt in the data folder says what had left.",
        ),
        Rule::PartEnded => text(
            "A part of the desk has ended",
            "The desk cannot do without it: nothing more is recorded, every order is refused. Alerts from now on are unrecorded.",
            "Call the broker for urgent closes; the program's log says which part it was and why. Restart.",
        ),
        Rule::HoldingsDiffer => text(
            "{link} and the books differ on {instrument} of account {account}",
            "The broker holds {theirs} and the books hold {ours}: {difference}. Said twice, some seconds apart.",
            "Compare with the broker before anything else is done on this account; a named person settles what is wrong.",
        ),
        Rule::ReaderStopped => text(
            "Reader {reader} of the output log stands still",
            "The database does not take what it writes: history and reports grow old, trading goes on.",
            "Look at the database and the room on its disk. What passes is tried again each second; else the log says what is wrong: restart then.",
        ),
    }
}

fn indonesian(rule: Rule) -> Template {
    match rule {
        Rule::MarginWarning => text(
            "Peringatan margin akun {account}: tingkat {value}",
            "Tingkat margin di bawah {raise}. Ekuitas {equity}, margin terpakai {used}; pergerakan berasal dari {instrument}.",
            "Hubungi nasabah: tambah dana atau kurangi posisi sebelum akun dibatasi.",
        ),
        Rule::MarginRestricted => text(
            "Akun {account} dibatasi: tingkat margin {value}",
            "Tingkat margin di bawah {raise}. Ekuitas {equity}, margin terpakai {used}. Posisi baru ditolak; penutupan dan setoran tetap jalan.",
            "Hubungi nasabah sekarang. Nasabah harus menyetujui pemberitahuan risiko sebelum membuka posisi lagi.",
        ),
        Rule::StopOut => text(
            "Stop-out akun {account}",
            "Ekuitas {equity}, margin terpakai {used}, batas stop-out {raise}. {acted}",
            "Awasi penutupan sampai tingkat di atas batas; beri tahu nasabah apa yang ditutup dan sebabnya.",
        ),
        Rule::NegativeBalance => text(
            "Saldo akun {account} negatif: {value}",
            "Saldo turun di bawah nol; {at_risk} tidak tertutup.",
            "Hentikan penarikan dan putuskan kompensasi saldo negatif.",
        ),
        Rule::MarginLevel => text(
            "Tingkat margin akun {account} turun ke {value}",
            "Tingkat margin mencapai {raise}. Ekuitas {equity}, margin terpakai {used}.",
            "Beri tahu nasabah seberapa jauh stop-out.",
        ),
        Rule::LossDrawdown => text(
            "Akun {account} {value} di bawah ekuitas tertingginya",
            "Penurunan melewati batas {raise}.",
            "Periksa posisi terbuka dan bicarakan stop loss dengan nasabah.",
        ),
        Rule::LossAccount => text(
            "Akun {account} rugi {value}",
            "Kerugian melewati batas {raise}.",
            "Periksa posisi terbuka dan bicarakan stop loss dengan nasabah.",
        ),
        Rule::LossPosition => text(
            "Posisi {position} akun {account} rugi {value}",
            "Kerugian di {instrument} melewati batas {raise}.",
            "Periksa apakah stop loss terpasang; hubungi nasabah.",
        ),
        Rule::Volatility => text(
            "Volatilitas tinggi di {instrument}: {value} dalam lima menit",
            "Volatilitas terealisasi di atas {raise}.",
            "Awasi spread dan margin para pemegang; pertimbangkan menaikkan persyaratan.",
        ),
        Rule::Breach => text(
            "{instrument} bergerak {value} {how}",
            "Pergerakan melewati ambang peringatan {raise}.",
            "Bandingkan dengan sumber kedua; bila berlanjut, perdagangan dihentikan oleh aturan.",
        ),
        Rule::Halt => text(
            "{instrument} dihentikan: {why}",
            "Entri berleverage dimatikan; {margin}; {holders} akun memegangnya. Penutupan tetap jalan.",
            "Pastikan harga dengan sumber lain. {lifts}",
        ),
        Rule::RequirementRaised => text(
            "Persyaratan margin {instrument} dinaikkan ke {value}",
            "Eksposur baru memerlukan {value} dari marginnya sampai {until}; {held}. {holders} akun memegangnya.",
            "Beri tahu para pemegang; jendela berakhir sendiri, dan orang yang disebut namanya dapat mengakhirinya lebih awal.",
        ),
        Rule::FeedDelayed => text(
            "Harga {instrument} terlambat",
            "Harga terakhir berumur {value}. Ditampilkan beserta umurnya; tidak ada yang ditutup karenanya.",
            "Belum perlu apa-apa: sumber berikutnya dicoba. Periksa sesi sumber bila berlanjut.",
        ),
        Rule::FeedUnavailable => text(
            "Tidak ada harga {instrument}",
            "Semua sumber diam selama {value}. Order baru ditolak; penutupan memakai harga pialang.",
            "Hubungi penyedia data; beri tahu meja bahwa margin memakai potongan sampai harga kembali.",
        ),
        Rule::FeedDown => text(
            "Sumber harga {source} terputus",
            "Koneksi hilang. Instrumennya memakai sumber berikutnya atau harga terakhir.",
            "Periksa jaringan dan status penyedia; sambungan terus dicoba.",
        ),
        Rule::FeedSwitched => text(
            "{instrument} memakai sumber {to}",
            "Sumber {source} diam dan sumber berikutnya mengambil alih.",
            "Tidak perlu apa-apa: kembali pada kuotasi baik pertama.",
        ),
        Rule::FeedDamped => text(
            "{instrument} sementara tetap di sumber {to}",
            "Sumber {source} datang dan pergi tiga kali dalam satu menit.",
            "Periksa sumber yang tidak stabil sebelum dipakai lagi.",
        ),
        Rule::ConversionMissing => text(
            "Tidak ada kurs {from_currency}/{to_currency} untuk akun {account}",
            "Tingkat margin tidak diketahui: tidak ada posisi baru, tidak ada stop-out berdasarkan dugaan.",
            "Pulihkan sumber kurs itu, atau salah satu kurs silangnya.",
        ),
        Rule::LinkReadOnly => text(
            "Hubungan pialang {link} hanya-baca",
            "Posisi baru ditolak; {queued} penutupan menunggu dengan aman, {in_doubt} order diragukan.",
            "Periksa koneksi pialang; untuk penutupan mendesak teleponlah pialang.",
        ),
        Rule::LinkRecovering => text(
            "Hubungan pialang {link} sedang dicocokkan",
            "{queued} penutupan menunggu, {in_doubt} order diragukan.",
            "Tunggu; bila lama, tanyakan order yang diragukan kepada pialang.",
        ),
        Rule::OrderInDoubt => text(
            "Order {order} akun {account} diragukan",
            "{side} {qty} {instrument}, terisi {filled}: pialang belum menjawab. Order tidak pernah dikirim dua kali.",
            "Tanyakan nasib order itu kepada pialang lewat telepon.",
        ),
        Rule::Overfill => text(
            "Order {order} akun {account} terisi melebihi pesanan",
            "{side} {qty} {instrument} dipesan, pialang melaporkan {filled}. Semuanya dibukukan.",
            "Tanyakan kebenarannya kepada pialang; bila satu eksekusi dilaporkan dua kali, minta dibatalkan.",
        ),
        Rule::Unbooked => text(
            "Satu eksekusi order {order} akun {account} tidak dapat dibukukan",
            "{side} {qty} {instrument}, baru {filled} dibukukan: pialang memegang lebih dari catatan kita.",
            "Minta pialang melaporkannya lagi, atau bereskan dengan pialang dan tandai order itu sudah dicocokkan.",
        ),
        Rule::ForgottenOrder => text(
            "Pialang melaporkan eksekusi order {order} yang tidak diingat lagi",
            "Order diingat sehari setelah berakhir. Tidak ada yang dibukukan: eksekusi itu baru atau dibatalkan, atau pialang mengulang yang lama.",
            "Tanyakan kepada pialang mana yang benar dan cocokkan posisi akunnya; yang kurang dibetulkan oleh petugas bernama.",
        ),
        Rule::ProtectiveUnanswered => text(
            "Pialang tidak menjalankan {kind} akun {account}",
            "{instrument} melewati {raise} di {value}; posisi {position} masih terbuka.",
            "Telepon pialang dan tutup posisi dengan tangan bila disepakati.",
        ),
        Rule::Mode => text(
            "Mode perdagangan {scope}: {mode}",
            "Ditetapkan oleh {actor}.",
            "Cabut bila sebabnya hilang; pencabutan memerlukan orang kedua.",
        ),
        Rule::Kill => text(
            "Sakelar henti aktif untuk {scope}",
            "Ditetapkan oleh {actor}; {cancelled} order dibatalkan.",
            "Cari sebabnya dahulu; dua orang yang mencabutnya.",
        ),
        Rule::RepeatedExecution => text(
            "Terkunci setelah {value} eksekusi: {scope}",
            "{side} {instrument} yang sama dieksekusi {value} kali; order baru {scope} ditolak.",
            "Cari apa yang berulang; orang yang disebut namanya mengaktifkannya lagi.",
        ),
        Rule::ClockJump => text(
            "Jam melompat {value}",
            "Jam dinding bergeser terhadap jam monoton, atau tertinggal dari jurnal saat mulai; waktu kami tidak pernah mundur.",
            "Periksa sinkronisasi waktu mesin. Bila jam yang sedang berjalan melompat lebih dari tiga hari, swap malam-malam di antaranya tidak dibebankan: selesaikan dengan tangan bila waktu yang baru benar; /readyz?verbose menyebutnya sampai selesai.",
        ),
        Rule::Journal => text(
            "Jurnal tidak dapat ditulis",
            "Penulisan ke jurnal atau ke log keluaran gagal. Tidak ada lagi yang tercatat; setiap order ditolak. Peringatan sejak sekarang tidak tercatat.",
            "Telepon pialang untuk penutupan mendesak, kosongkan disk atau pasang yang baik, mulai ulang.",
        ),
        Rule::SinkFailing => text(
            "Peringatan tidak sampai ke {sink}",
            "{failed} percobaan berturut-turut gagal; terus dicoba lagi.",
            "Periksa alamat, rahasia dan penerima; sementara pakai saluran lain.",
        ),
        Rule::SinkDisabled => text(
            "{sink} tidak lagi menerima peringatan",
            "Penerima menjawab bahwa ia sudah tidak ada (410): tidak ada lagi yang dikirim ke sana.",
            "Perbaiki alamat penerima dan mulai ulang; sementara pakai saluran lain.",
        ),
        Rule::ReaderCutOff => text(
            "Pembaca {reader} log keluaran diputus",
            "Terlalu lambat dan log mencapai batas ukurannya; harus dibangun ulang.",
            "Cari sebabnya berhenti, lalu jalankan pembangunan ulang.",
        ),
        Rule::StandbyDiverged => text(
            "Cadangan menyimpang pada masukan {input}",
            "Mesin kedua tidak lagi mengikuti mesin pertama; tidak ada snapshot yang ditulis sampai mesin baru, dicoba setelah satu menit, mengikuti.",
            "Jika tidak segera pulih: simpan folder data, jalankan `siaga journal verify` pada salinannya, lalu mulai ulang.",
        ),
        Rule::InputsLost => text(
            "Masukan {first} sampai {last} hilang",
            "Sudah dicatat dan dijawab, tetapi jurnal berakhir sebelumnya; {orders} order telah dikirim ke broker di dalamnya.",
            "Cocokkan order, posisi dan pembayaran dengan tangan; berkas lost-….txt di folder data memuat apa yang sudah keluar.",
        ),
        Rule::PartEnded => text(
            "Satu bagian sistem telah berhenti",
            "Sistem tidak dapat berjalan tanpanya: tidak ada lagi yang tercatat, setiap order ditolak. Peringatan sejak sekarang tidak tercatat.",
            "Telepon pialang untuk penutupan mendesak; log program memuat bagian mana dan sebabnya. Mulai ulang.",
        ),
        Rule::HoldingsDiffer => text(
            "{link} dan pembukuan berbeda pada {instrument} akun {account}",
            "Pialang memegang {theirs} dan pembukuan {ours}: {difference}. Dinyatakan dua kali, berselang beberapa detik.",
            "Cocokkan dengan pialang sebelum apa pun dilakukan pada akun ini; yang keliru diselesaikan oleh petugas bernama.",
        ),
        Rule::ReaderStopped => text(
            "Pembaca {reader} log keluaran berhenti",
            "Basis data tidak menerima tulisannya: riwayat dan laporan menjadi usang, perdagangan berjalan terus.",
            "Periksa basis data dan ruang disknya. Yang sementara dicoba lagi tiap detik; selain itu log menyebut sebabnya: mulai ulang.",
        ),
    }
}
