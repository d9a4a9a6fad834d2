import type { Board, Column, ColumnId, Lead, LeadMove, Stage } from "../api/crm";

/** The board's columns over the eight stages; the last one holds all that comes after the verification. */
export const COLUMNS: readonly ColumnId[] = ["new", "contacted", "interested", "demo", "kyc", "verified"];
export const STAGES: readonly Stage[] = ["new", "contacted", "interested", "demo", "kyc", "verified", "deposit", "active"];

export const columnOf = (stage: Stage): ColumnId => (stage === "deposit" || stage === "active" ? "verified" : stage);

/** The move that brings a lead into a column: the earliest stage of it that the server allows by hand. */
export function moveTo(column: ColumnId, moves: readonly LeadMove[]): LeadMove | undefined {
  return STAGES.flatMap((stage) => moves.filter((move) => move.stage === stage && move.by_hand && columnOf(stage) === column))[0];
}

/** The next column in a direction that a lead may be moved to, or where it stands; arrows pass over the others. */
export function nextColumn(from: ColumnId, by: 1 | -1, home: ColumnId, moves: readonly LeadMove[]): ColumnId {
  for (let at = COLUMNS.indexOf(from) + by; at >= 0 && at < COLUMNS.length; at += by) {
    const column = COLUMNS[at]!;
    if (column === home || moveTo(column, moves)) return column;
  }
  return from;
}

/** The board as it will be: shown at once, and taken back when the server refuses. Totals are moved with the card, not counted anew. */
export function withMove(board: Board, lead: Lead, stage: Stage): Board {
  const to = columnOf(stage);
  if (to === lead.column) return board;
  const moved: Lead = { ...lead, stage, column: to };
  const change = (column: Column, by: 1 | -1): Column => ({
    ...column,
    total: Math.max(0, column.total + by),
    hot: Math.max(0, column.hot + (lead.hot ? by : 0)),
    overdue: Math.max(0, column.overdue - (by === -1 && lead.overdue ? 1 : 0)),
    cards: by === 1 ? [moved, ...column.cards.filter((card) => card.id !== lead.id)] : column.cards.filter((card) => card.id !== lead.id),
  });
  return { ...board, columns: board.columns.map((column) => (column.column === lead.column ? change(column, -1) : column.column === to ? change(column, 1) : column)) };
}

/** A lead as the server has it now, in its column; elsewhere it stands no more. */
export function withLead(board: Board, lead: Lead): Board {
  return {
    ...board,
    columns: board.columns.map((column) => {
      const at = column.cards.findIndex((card) => card.id === lead.id);
      if (column.column !== lead.column) return at < 0 ? column : { ...column, cards: column.cards.filter((card) => card.id !== lead.id) };
      return at < 0 ? column : { ...column, cards: column.cards.map((card) => (card.id === lead.id ? lead : card)) };
    }),
  };
}

/** The board with something done to several leads, their cards carried to where they stand then. */
export const withEach = (board: Board, leads: readonly Lead[], how: (lead: Lead) => Lead): Board =>
  leads.reduce((now, lead) => {
    const next = how(lead);
    return withLead(withMove(now, lead, next.stage), next);
  }, board);

/** How many open leads are too many in a column; `null` where no limit is passed, or none is set. */
export const excess = ({ total, limit }: Pick<Column, "total" | "limit">): number | null => (limit !== null && total > limit ? total - limit : null);

/** The next page of a column under the cards that are there; a card that meanwhile came in at the top is not shown twice. */
export function withMore(board: Board, id: ColumnId, more: readonly Lead[], next: string | null): Board {
  return {
    ...board,
    columns: board.columns.map((column) => {
      if (column.column !== id) return column;
      const known = new Set(column.cards.map((card) => card.id));
      return { ...column, cards: [...column.cards, ...more.filter((card) => !known.has(card.id))], next };
    }),
  };
}
