import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { formatMoment } from "../../format/time";
import { Button, IconButton } from "../../ui/Button";
import { identity, type Passkey } from "../api/identity";
import { useDoor, useHere } from "../context";
import { useSay } from "../i18n";
import { Ask } from "../ui/Ask";
import { TextField } from "../ui/Field";
import { Card, Trouble, Wait } from "../ui/Page";
import { canPasskey, makePasskey } from "./passkey";

/** Keys that live in a device: made, named, taken away. */
export function Passkeys() {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const { reread } = useHere();
  const { language } = useSettings();
  const query = useQuery({ queryKey: ["me", "passkeys"], queryFn: () => identity.passkeys(door), retry: false });
  const [adding, setAdding] = useState(false);
  const [dropping, setDropping] = useState<Passkey | null>(null);
  const [name, setName] = useState("");
  const changed = async () => {
    await cache.invalidateQueries({ queryKey: ["me", "passkeys"] });
    await reread();
  };
  const add = async () => {
    const { ceremony, options } = await identity.beginPasskey(door);
    const credential = await makePasskey(options);
    if (!credential) return toast("info", say("mfa.declined"));
    await identity.finishPasskey(door, ceremony, name.trim(), credential);
    setName("");
    await changed();
  };
  return (
    <Card title={say("passkeys.title")} aside={canPasskey() && <Button size="sm" data-testid="passkey-new" onClick={() => setAdding(true)}>{say("passkey.new")}</Button>}>
      {!canPasskey() && <p className="text-xs text-ink-3">{say("passkeys.cannot")}</p>}
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Wait lines={2} />}
      {query.data?.length === 0 && <p className="text-sm text-ink-3">{say("passkeys.none")}</p>}
      <ul className="divide-y divide-line text-sm" data-testid="passkeys">
        {query.data?.map((key) => (
          <li key={key.id} className="flex items-center gap-2 py-1.5">
            <span className="min-w-0 flex-1">
              <span className="block truncate font-medium">{key.name}</span>
              <span className="text-xs text-ink-3">{say("passkey.made", { time: formatMoment(key.created_at, language) })}{key.used_at !== null && ` · ${say("passkey.used", { time: formatMoment(key.used_at, language) })}`}</span>
            </span>
            <IconButton icon="close" name={say("passkey.drop", { name: key.name })} onClick={() => setDropping(key)} />
          </li>
        ))}
      </ul>
      {adding && (
        <Ask title={say("passkey.new")} help={say("passkey.new.help")} verb={say("passkey.new.do")} blocked={name.trim() === ""} onDo={add} onClose={() => setAdding(false)}>
          <TextField label={say("passkey.name")} maxLength={60} data-first-focus value={name} onChange={(event) => setName(event.target.value)} />
        </Ask>
      )}
      {dropping && (
        <Ask
          title={say("passkey.drop", { name: dropping.name })}
          help={say("passkey.drop.help")}
          verb={say("passkey.drop.do")}
          danger
          onDo={async () => {
            await identity.dropPasskey(door, dropping.id);
            await changed();
          }}
          onClose={() => setDropping(null)}
        />
      )}
    </Card>
  );
}
