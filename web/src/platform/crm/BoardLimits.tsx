import { useState } from "react";
import { toast } from "../../app/toasts";
import { crm, type Column, type ColumnId } from "../api/crm";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { Ask } from "../ui/Ask";
import { TextField } from "../ui/Field";
import { LIMIT_MAX, limitsOf, whole } from "./draft";

/** How much may be in progress in each column. The server keeps all of them as one: what is sent replaces what stood. */
export function BoardLimits({ columns, onDone, onClose }: { columns: readonly Column[]; onDone: () => Promise<void>; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const [typed, setTyped] = useState(() => Object.fromEntries(columns.map(({ column, limit }) => [column, limit === null ? "" : String(limit)])) as Partial<Record<ColumnId, string>>);
  const limits = limitsOf(typed);
  const wrong = (text: string) => text.trim() !== "" && (whole(text, LIMIT_MAX) ?? 0) === 0;
  return (
    <Ask
      title={say("board.limits.title")}
      help={say("board.limits.help")}
      verb={say("board.limits.save")}
      blocked={limits === null}
      onDo={async () => {
        await crm.setLimits(door, { limits: limits! });
        toast("ok", say("board.limits.saved"));
        await onDone();
      }}
      onClose={onClose}
    >
      {columns.map(({ column }, at) => {
        const text = typed[column] ?? "";
        return (
          <TextField
            key={column}
            label={say(`column.${column}`)}
            inputMode="numeric"
            autoComplete="off"
            maxLength={6}
            data-testid={`limit-${column}`}
            {...(at === 0 ? { "data-first-focus": true } : {})}
            value={text}
            wrong={wrong(text) ? say("board.limits.wrong", { most: String(LIMIT_MAX) }) : null}
            onChange={(event) => setTyped({ ...typed, [column]: event.target.value })}
          />
        );
      })}
    </Ask>
  );
}
