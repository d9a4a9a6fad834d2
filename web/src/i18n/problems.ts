import type { Language } from "../format/decimal";

/** Titles of the server's own errors by their stable name. English is what the server says, so a later name is shown as it comes. */
const INDONESIAN: Record<string, string> = {
  unauthenticated: "Masuk dulu",
  wrong_secret: "Kata rahasia salah",
  foreign_origin: "Permintaan dari situs lain ditolak",
  csrf_token: "Token CSRF tidak ada atau salah",
  foreign_host: "Nama server tidak cocok",
  bad_json: "Isi permintaan bukan JSON",
  bad_field: "Sebuah isian kosong atau salah",
  body_too_large: "Isi permintaan terlalu besar",
  not_found: "Tidak ditemukan",
  method_not_allowed: "Metode tidak cocok dengan alamat",
  not_json: "Kirim sebagai application/json",
  unknown_symbol: "Simbol tidak dikenal",
  revision_missing: "Sebutkan revisi yang Anda lihat",
  revision_stale: "Sudah berubah sejak Anda melihatnya",
  note_missing: "Catatan wajib diisi",
  alert_state: "Peringatan sudah dalam keadaan lain",
  refused: "Ditolak oleh meja",
  rate_limited: "Terlalu banyak permintaan",
  busy: "Meja sedang sibuk",
  journal_poisoned: "Tidak ada yang dapat dicatat, order tidak diterima",
  not_passed_on: "Sudah dicatat dan tidak dapat diteruskan",
  maybe_recorded: "Jurnal gagal: mungkin sudah dicatat",
  store_away: "Basis data tidak menjawab",
  disk_full: "Disk tidak menerima apa pun lagi",
  stopping: "Meja sedang berhenti",
  timeout: "Tidak ada jawaban tepat waktu",
  not_available: "Meja ini tidak dapat melakukannya",
  internal: "Ada yang salah di pihak kami",
};

/** What an error is called in the reader's language. */
export function problemTitle(name: string | null, title: string, language: Language): string {
  return (language === "id" && name !== null ? INDONESIAN[name] : undefined) ?? title;
}

export const problemNames = (): string[] => Object.keys(INDONESIAN).sort();
