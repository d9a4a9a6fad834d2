import type { Alert } from "../api/types";
import type { Language } from "../format/decimal";

/** Indonesian names of the built-in rules. For a server that writes its titles in English only. */
const INDONESIAN: Record<string, string> = {
  margin_warning: "Margin call",
  margin_restricted: "Akun dibatasi",
  stop_out: "Stop-out",
  negative_balance: "Saldo negatif",
  loss_account: "Kerugian akun",
  loss_position: "Kerugian posisi",
  loss_drawdown: "Penurunan dari ekuitas tertinggi",
  margin_level: "Tingkat margin tercapai",
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
  sink_disabled: "Penerima peringatan tidak ada lagi",
  reader_cut_off: "Sebuah pembaca diputus",
  repeated_execution: "Terlalu sering dieksekusi",
  standby_diverged: "Cadangan menyimpang",
  inputs_lost: "Masukan hilang",
};

/** What an alert says in the reader's language; for a server without such texts the rule's name, and its English summary. */
export function alertText(alert: Alert, language: Language): { title: string; summary: string; advice: string | null } {
  const written = alert.texts?.[language];
  if (written) return written;
  const name = language === "id" ? INDONESIAN[alert.rule] : undefined;
  const subject = alert.labels.instrument ?? alert.labels.account ?? alert.labels.link ?? alert.labels.group;
  const title = name === undefined ? alert.title : subject === undefined ? name : `${name}: ${subject}`;
  return { title, summary: alert.summary, advice: null };
}
