import type { Language } from "../format/decimal";

/** Steps in the life of an alert by the server's word for each. */
const STEPS: Record<string, readonly [en: string, id: string]> = {
  pending: ["Seen", "Terlihat"],
  fired: ["Fired", "Menyala"],
  severity_rose: ["Became more severe", "Menjadi lebih berat"],
  severity_fell: ["Became less severe", "Menjadi lebih ringan"],
  updated: ["Updated", "Diperbarui"],
  acknowledged: ["Acknowledged", "Diakui"],
  unacknowledged: ["Taken back", "Ditarik kembali"],
  assigned: ["Assigned", "Ditugaskan"],
  commented: ["Commented", "Dikomentari"],
  snoozed: ["Snoozed", "Ditunda"],
  snooze_ended: ["Snooze ended", "Penundaan berakhir"],
  silenced: ["Silenced", "Disenyapkan"],
  silence_ended: ["Silence ended", "Penyenyapan berakhir"],
  inhibited: ["Covered by another alert", "Tercakup peringatan lain"],
  inhibition_ended: ["No longer covered", "Tidak lagi tercakup"],
  escalated: ["Escalated", "Dieskalasi"],
  flapping: ["Flapping", "Naik-turun"],
  resolved: ["Resolved", "Selesai"],
  archived: ["Archived", "Diarsipkan"],
  withdrawn: ["Withdrawn", "Dicabut"],
};

/** Names of an alert's labels. */
const LABELS: Record<string, readonly [en: string, id: string]> = {
  account: ["account", "akun"],
  group: ["group", "grup"],
  instrument: ["instrument", "instrumen"],
  position: ["position", "posisi"],
  order: ["order", "order"],
  link: ["broker", "broker"],
  source: ["source", "sumber"],
  desk: ["desk", "meja"],
};

/** Who acts without being a person, and the one account of a first start. */
const ACTORS: Record<string, readonly [en: string, id: string]> = {
  system: ["the system", "sistem"],
  administrator: ["administrator", "administrator"],
};

const of = (table: Record<string, readonly [string, string]>, name: string, language: Language): string =>
  table[name]?.[language === "id" ? 1 : 0] ?? name.replaceAll("_", " ");

export const stepName = (what: string, language: Language): string => of(STEPS, what, language);
export const labelName = (label: string, language: Language): string => of(LABELS, label, language);
/** Who did a step: names of people stay as they are. */
export const actorName = (who: string, language: Language): string => ACTORS[who]?.[language === "id" ? 1 : 0] ?? who;
export const stepNames = (): string[] => Object.keys(STEPS).sort();
