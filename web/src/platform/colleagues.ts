import type { Me } from "../api/types";
import { may } from "../app/pages";
import type { Door } from "./api/door";
import { identity, type Colleague } from "./api/identity";

/** Keys of one question, as the server takes them. */
export const KEYS_MAX = 100;
/** The rows of a page are drawn in one go: what they ask within this time goes as one question. */
const GATHER_MS = 10;
/** Each of these shows rows that name colleagues. */
const READERS = ["kyc.read", "aml.read", "cash.read", "audit.read"] as const;

/** Whether the server names colleagues to this person. */
export const namesColleagues = (me: Me | null): boolean => me !== null && me.user.staff && READERS.some((permission) => may(me, permission));

interface Waiting {
  id: string;
  take: (colleague: Colleague | null) => void;
  fail: (error: unknown) => void;
}

/** Is asked for one name at a time, and asks for many together. */
export class Colleagues {
  private waiting: Waiting[] = [];

  constructor(private readonly ask: (ids: readonly string[]) => Promise<readonly Colleague[]>) {}

  /** The colleague with this key; `null`: it is none. */
  find(id: string): Promise<Colleague | null> {
    return new Promise((take, fail) => {
      if (this.waiting.length === 0) setTimeout(() => this.send(), GATHER_MS);
      this.waiting.push({ id, take, fail });
    });
  }

  private send(): void {
    const waiting = this.waiting;
    this.waiting = [];
    const ids = [...new Set(waiting.map((one) => one.id))];
    for (let from = 0; from < ids.length; from += KEYS_MAX) {
      const some = ids.slice(from, from + KEYS_MAX);
      const whose = waiting.filter((one) => some.includes(one.id));
      this.ask(some).then(
        (found) => whose.forEach((one) => one.take(found.find((colleague) => colleague.id === one.id) ?? null)),
        (error: unknown) => whose.forEach((one) => one.fail(error)),
      );
    }
  }
}

const byDoor = new WeakMap<Door, Colleagues>();

/** Those behind this door: every part of a page asks the same one. */
export function colleaguesOf(door: Door): Colleagues {
  const known = byDoor.get(door) ?? new Colleagues(async (ids) => (await identity.colleagues(door, ids)).items);
  byDoor.set(door, known);
  return known;
}
