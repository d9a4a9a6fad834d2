import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTopic } from "../../app/data";
import { crm, type Board, type ColumnId, type Lead, type Stage } from "../api/crm";
import { AGENTS } from "../api/sales";
import { useDoor } from "../context";
import { askAll } from "./bulk";
import { withEach, withLead, withMore, withMove } from "./columns";

const BOARD = ["crm", "board"] as const;
/** The stream tells when others moved cards; this is for what another program of the house changed. */
const BOARD_MS = 60_000;

/** The board, its longer columns, and moves that are shown at once. */
export function useBoard() {
  const door = useDoor();
  const cache = useQueryClient();
  // Who has opened more of a column reads it; reading the board anew would fold it up again.
  const [extended, setExtended] = useState(false);
  const query = useQuery({ queryKey: BOARD, queryFn: () => crm.board(door), refetchInterval: extended ? false : BOARD_MS });
  useTopic("crm", "*", (event) => {
    if (event.kind === "data" && !extended) void cache.invalidateQueries({ queryKey: BOARD });
  });
  const change = (how: (board: Board) => Board) => cache.setQueryData<Board>(BOARD, (board) => board && how(board));

  const reread = async () => {
    setExtended(false);
    await cache.invalidateQueries({ queryKey: BOARD });
  };
  const more = async (column: ColumnId, cursor: string | null) => {
    const page = await crm.column(door, column, cursor);
    setExtended(true);
    change((board) => withMore(board, column, page.items, page.next));
  };
  const move = async (lead: Lead, stage: Stage, reason: string) => {
    await cache.cancelQueries({ queryKey: BOARD });
    const before = cache.getQueryData<Board>(BOARD);
    change((board) => withMove(board, lead, stage));
    try {
      const moved = await crm.move(door, lead, stage, reason);
      change((board) => withLead(board, moved));
      void cache.invalidateQueries({ queryKey: ["crm", "lead", lead.id] });
      if (!extended) void cache.invalidateQueries({ queryKey: BOARD });
    } catch (error) {
      if (before) cache.setQueryData(BOARD, before);
      // Whoever was first has changed it: what is shown next is theirs.
      if (!extended) void cache.invalidateQueries({ queryKey: BOARD });
      throw error;
    }
  };
  /** Shows at once what was done to several, and asks what stands now: for the board, or for each of them where reading the board would fold up its longer columns. */
  const did = async (leads: readonly Lead[], how: (lead: Lead) => Lead) => {
    await cache.cancelQueries({ queryKey: BOARD });
    change((board) => withEach(board, leads, how));
    settle();
    if (!extended) return;
    // A card that cannot be read now keeps its old revision: what is done to it next is refused, not done twice.
    const answers = await askAll(leads, (lead) => crm.lead(door, lead.id).catch(() => null));
    change((board) => answers.reduce((now, lead) => (lead === null ? now : withLead(now, lead)), board));
  };
  const settle = () => {
    for (const key of [["crm", "lead"], AGENTS]) void cache.invalidateQueries({ queryKey: key });
    if (!extended) void cache.invalidateQueries({ queryKey: BOARD });
  };
  return { query, extended, reread, more, move, did, settle };
}
