import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { formatStamp } from "../../format/time";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Panel";
import { identity, type ApiKey } from "../api/identity";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { Ask } from "../ui/Ask";
import { Body, Card, Page, Trouble, Wait } from "../ui/Page";
import { NewKey } from "./NewKey";

/** Keys of programs that act for this person: made with what they may do and until when, shown once, revoked. */
export default function KeysPage() {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({ queryKey: ["me", "keys"], queryFn: () => identity.keys(door), retry: false });
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<ApiKey | null>(null);
  return (
    <Page title={say("page.keys")} aside={<Button tone="primary" data-testid="key-new" onClick={() => setAdding(true)}>{say("key.new")}</Button>}>
      <Body className="max-w-180">
        <p className="text-sm text-ink-2">{say("keys.help")}</p>
        {made && <Once made={made} onDone={() => setMade(null)} />}
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait />}
        {query.data?.length === 0 && <Empty icon="key" title={say("keys.none")} />}
        <ul className="space-y-2" data-testid="keys">
          {query.data?.map((row) => <KeyRow key={row.id} row={row} />)}
        </ul>
      </Body>
      {adding && <NewKey onMade={setMade} onClose={() => setAdding(false)} />}
    </Page>
  );
}

/** Whoever has the key is let in, so it is shown until its owner says that it is kept, and never again. */
function Once({ made, onDone }: { made: ApiKey; onDone: () => void }) {
  const say = useSay();
  const [kept, setKept] = useState(false);
  const text = made.key ?? "";
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast("ok", say("key.copied"));
    } catch {
      // A browser may forbid it: the key can be marked and copied by hand.
      toast("bad", say("key.copy.failed"));
    }
  };
  return (
    <Card title={say("key.once.title", { name: made.name })}>
      <div data-testid="key-once" className="space-y-3">
        <p className="text-sm" role="status">{say("key.once.help")}</p>
        <code className="block rounded-md border border-line bg-bg p-2 text-sm break-all select-all" data-testid="key-text">{text}</code>
        <label className="flex items-center gap-2 text-sm">
          <input type="checkbox" className="size-4" checked={kept} onChange={(event) => setKept(event.target.checked)} />
          {say("key.kept")}
        </label>
        <div className="flex flex-wrap gap-2">
          <Button onClick={() => void copy()}>{say("key.copy")}</Button>
          <Button tone="primary" data-testid="key-done" disabled={!kept} onClick={onDone}>{say("recovery.done")}</Button>
        </div>
      </div>
    </Card>
  );
}

function KeyRow({ row }: { row: ApiKey }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const { language } = useSettings();
  const [ending, setEnding] = useState(false);
  return (
    <li data-key={row.id} className="flex flex-wrap items-start gap-x-3 gap-y-1 rounded-lg border border-line bg-panel p-3 text-sm">
      <div className="min-w-0 flex-1 basis-52">
        <p className="font-medium break-words">{row.name} <code className="text-xs text-ink-3">sk_{row.prefix}…</code></p>
        <p className="text-xs text-ink-3">
          {say("key.made", { time: formatStamp(row.created_at, language) })} · {say("key.until", { time: formatStamp(row.expires_at, language) })} · {row.used_at === null ? say("key.unused") : say("key.used", { time: formatStamp(row.used_at, language) })}
        </p>
        <p className="mt-1 text-xs break-words text-ink-2">{row.scopes.join(", ")}</p>
      </div>
      <Button data-testid="key-revoke" onClick={() => setEnding(true)}>{say("key.revoke")}</Button>
      {ending && (
        <Ask
          title={say("key.revoke.title", { name: row.name })}
          help={say("key.revoke.help")}
          verb={say("key.revoke")}
          danger
          onDo={async () => {
            await identity.revokeKey(door, row.id);
            await cache.invalidateQueries({ queryKey: ["me", "keys"] });
            toast("ok", say("key.revoked"));
          }}
          onClose={() => setEnding(false)}
        />
      )}
    </li>
  );
}
