import { createContext, useContext, useMemo, type ReactNode } from "react";
import type { Me } from "../api/types";
import { may } from "../app/pages";
import { useServices } from "../app/services";
import { Door } from "./api/door";

interface Here {
  door: Door;
  me: Me | null;
  /** Reads anew who is signed in: a second factor or a confirmation changes what they may do. */
  reread: () => Promise<void>;
}

const Context = createContext<Here | null>(null);

export function HereProvider({ me, reread, children }: { me: Me | null; reread: () => Promise<void>; children: ReactNode }) {
  const { api } = useServices();
  const door = useMemo(() => new Door(api), [api]);
  const here = useMemo(() => ({ door, me, reread }), [door, me, reread]);
  return <Context.Provider value={here}>{children}</Context.Provider>;
}

export function useHere(): Here {
  const here = useContext(Context);
  if (!here) throw new Error("a page stands outside HereProvider");
  return here;
}

export const useDoor = (): Door => useHere().door;

/** Whether the person may do this at all; about one thing the server decides. */
export function useMay(permission: string): boolean {
  return may(useHere().me, permission);
}
