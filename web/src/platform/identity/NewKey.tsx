import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { identity, type ApiKey } from "../api/identity";
import { useDoor, useHere } from "../context";
import { useSay, word } from "../i18n";
import { Ask } from "../ui/Ask";
import { SelectField, TextField } from "../ui/Field";
import { SCOPES_MAX, scopeGroups, TERM_DEFAULT, TERMS, toggled } from "./scopes";

/** A new key: its name, its term, and what it may do of what its owner may. */
export function NewKey({ onMade, onClose }: { onMade: (made: ApiKey) => void; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const { me } = useHere();
  const [name, setName] = useState("");
  const [days, setDays] = useState<number>(TERM_DEFAULT);
  const [scopes, setScopes] = useState<string[]>([]);
  const all = me?.permissions ?? [];
  return (
    <Ask
      title={say("key.new")}
      help={say("key.new.help")}
      verb={say("key.new.do")}
      blocked={name.trim() === "" || scopes.length === 0 || scopes.length > SCOPES_MAX}
      onDo={async () => {
        onMade(await identity.makeKey(door, { name: name.trim(), scopes, days }));
        await cache.invalidateQueries({ queryKey: ["me", "keys"] });
      }}
      onClose={onClose}
    >
      <TextField label={say("key.name")} help={say("key.name.help")} data-first-focus data-testid="key-name" maxLength={60} value={name} onChange={(event) => setName(event.target.value)} />
      <SelectField label={say("key.days")} data-testid="key-days" value={days} onChange={(event) => setDays(Number(event.target.value))}>
        {TERMS.map((one) => <option key={one} value={one}>{say("key.days.n", { n: one })}</option>)}
      </SelectField>
      <p className="text-sm font-medium">{say("key.scopes")}</p>
      {scopes.length > SCOPES_MAX && <p className="text-xs text-crit" role="alert">{say("key.scopes.many", { n: SCOPES_MAX })}</p>}
      {scopeGroups(all).map((group) => (
        <fieldset key={group.resource} className="min-w-0 rounded-md border border-line px-2 pb-1.5">
          <legend className="px-1 text-xs font-semibold text-ink-2">{word(say, "resource", group.resource)}</legend>
          <div className="grid gap-x-3 wide:grid-cols-2">
            {group.scopes.map((scope) => (
              <label key={scope.name} className="flex min-h-9 items-center gap-2 text-sm wide:min-h-7">
                <input type="checkbox" className="size-4 shrink-0" data-scope={scope.name} checked={scopes.includes(scope.name)} onChange={() => setScopes(toggled(scopes, scope.name, all))} />
                <span className="min-w-0">{word(say, "act", scope.act)} <code className="text-2xs break-all text-ink-3">{scope.name}</code></span>
              </label>
            ))}
          </div>
        </fieldset>
      ))}
    </Ask>
  );
}
