import type { Alert } from "../api/types";
import type { Language } from "../format/decimal";

/** Indonesian names of the built-in rules. The server writes its titles in English. */
const INDONESIAN: Record<string, string> = {
  margin_warning: "Margin call",
  margin_restricted: "Akun dibatasi",
  stop_out: "Stop-out",
  negative_balance: "Saldo negatif",
  loss_account: "Kerugian akun",
  loss_position: "Kerugian posisi",
  volatility: "Volatilitas tinggi",
  breach: "Gerakan besar",
  halt: "Dihentikan: volatilitas tinggi",
  feed_delayed: "Data tertunda",
  feed_unavailable: "Tanpa harga",
  feed_down: "Umpan mati",
  feed_switched: "Umpan berpindah",
  feed_damped: "Umpan terus berpindah",
  conversion_missing: "Kurs konversi tidak ada",
  link_read_only: "Broker hanya-baca",
  link_recovering: "Broker sedang pulih",
  order_in_doubt: "Order diragukan",
  protective_unanswered: "Proteksi tidak dijawab",
  mode: "Mode perdagangan",
  kill_switch: "Sakelar darurat",
  clock_jump: "Jam melompat",
  journal: "Jurnal rusak",
  sink_failing: "Pengiriman peringatan gagal",
  reader_cut_off: "Sebuah pembaca diputus",
};

/** The alert's title in the reader's language: the rule and what it is about, or the server's own words for a later rule. */
export function alertTitle(alert: Alert, language: Language): string {
  const name = language === "id" ? INDONESIAN[alert.rule] : undefined;
  if (!name) return alert.title;
  const subject = alert.labels.instrument ?? alert.labels.account ?? alert.labels.link ?? alert.labels.group;
  return subject === undefined ? name : `${name}: ${subject}`;
}

export const ruleNames = (): string[] => Object.keys(INDONESIAN);
