import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Panel";
import { useAct } from "../act";
import { sales, type LeadSource } from "../api/sales";
import { useDoor } from "../context";
import { wrongField } from "../fault";
import { useSay } from "../i18n";
import { Ask } from "../ui/Ask";
import { TextField } from "../ui/Field";
import { Body, Card, Facts, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { isWord } from "./sources";

const SOURCES = ["crm", "sources"] as const;

interface Secret {
  name: string;
  text: string;
}

/** Landing pages and partners that send leads in, and the secrets they sign with. */
export default function SourcesPage() {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({ queryKey: SOURCES, queryFn: () => sales.sources(door) });
  const [adding, setAdding] = useState(false);
  const [renewing, setRenewing] = useState<LeadSource | null>(null);
  const [secret, setSecret] = useState<Secret | null>(null);
  const act = useAct();
  const cache = useQueryClient();
  const [ending, setEnding] = useState<LeadSource | null>(null);
  const turn = async (source: LeadSource, active: boolean) => {
    await sales.switchSource(door, source.id, active);
    await cache.invalidateQueries({ queryKey: SOURCES });
  };
  return (
    <Page title={say("page.sources")} aside={<Button tone="primary" data-testid="source-new" onClick={() => setAdding(true)}>{say("leadSource.new")}</Button>}>
      <Body>
        <p className="text-sm text-ink-2">{say("leadSources.help")}</p>
        {secret && <SecretCard key={secret.text} secret={secret} onKept={() => setSecret(null)} />}
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={4} />}
        {query.data?.items.length === 0 && <Empty icon="link" title={say("leadSources.none")} />}
        <ul className="grid gap-2 wide:grid-cols-2" data-testid="sources">
          {query.data?.items.map((source) => <SourceCard key={source.id} source={source} onRenew={() => setRenewing(source)} onTurn={() => (source.active ? setEnding(source) : void act(() => turn(source, true), say("leadSource.on.done", { name: source.name })))} />)}
        </ul>
      </Body>
      {adding && <NewSource onMade={setSecret} onClose={() => setAdding(false)} />}
      {ending && <Ask title={say("leadSource.off.title", { name: ending.name })} help={say("leadSource.off.help")} verb={say("leadSource.off")} danger onDo={() => turn(ending, false)} onClose={() => setEnding(null)} />}
      {renewing && (
        <Ask
          title={say("leadSource.renew.title", { name: renewing.name })}
          help={say("leadSource.renew.help")}
          verb={say("leadSource.renew")}
          danger
          onDo={async () => setSecret({ name: renewing.name, text: (await sales.renewSecret(door, renewing.id)).secret })}
          onClose={() => setRenewing(null)}
        />
      )}
    </Page>
  );
}

function SourceCard({ source, onRenew, onTurn }: { source: LeadSource; onRenew: () => void; onTurn: () => void }) {
  const say = useSay();
  const { language } = useSettings();
  return (
    <li data-source={source.name} data-active={source.active} className="min-w-0 space-y-2 rounded-lg border border-line bg-panel p-3 text-sm">
      <p className="flex flex-wrap items-center gap-1.5">
        <span className="min-w-0 font-semibold break-words">{source.name}</span>
        <Tag tone={source.active ? "ok" : "warn"}>{say(source.active ? "leadSource.active" : "leadSource.inactive")}</Tag>
      </p>
      <Facts
        rows={[
          [say("leadSource.channel"), source.channel],
          [say("leadSource.since"), formatMoment(source.created_at, language)],
          [say("leadSource.address"), <code key="address" className="text-xs break-all" data-testid="hook">{`${location.origin}/api/v1/crm/hooks/${source.id}`}</code>],
        ]}
      />
      <div className="flex flex-wrap gap-2">
        <Button className="h-9 wide:h-8" data-testid="source-renew" aria-label={`${say("leadSource.renew")}: ${source.name}`} onClick={onRenew}>{say("leadSource.renew")}</Button>
        <Button tone="quiet" className="h-9 wide:h-8" data-testid="source-turn" aria-label={`${say(source.active ? "leadSource.off" : "leadSource.on")}: ${source.name}`} onClick={onTurn}>{say(source.active ? "leadSource.off" : "leadSource.on")}</Button>
      </div>
    </li>
  );
}

function NewSource({ onMade, onClose }: { onMade: (secret: Secret) => void; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const { language } = useSettings();
  const [name, setName] = useState("");
  const [channel, setChannel] = useState("web");
  const [refused, setRefused] = useState<unknown>(null);
  const wrong = (text: string, field: string) => (text !== "" && !isWord(text) ? say("leadSource.word.help") : wrongField(refused, field, language));
  return (
    <Ask
      title={say("leadSource.new")}
      verb={say("leadSource.new.do")}
      blocked={!isWord(name) || !isWord(channel)}
      onDo={async () => {
        try {
          const made = await sales.addSource(door, { name, channel });
          if (made.secret) onMade({ name: made.name, text: made.secret });
          await cache.invalidateQueries({ queryKey: SOURCES });
        } catch (error) {
          setRefused(error);
          throw error;
        }
      }}
      onClose={onClose}
    >
      <TextField label={say("leadSource.name")} help={say("leadSource.word.help")} wrong={wrong(name, "name")} maxLength={50} autoComplete="off" data-first-focus data-testid="source-name" value={name} onChange={(event) => setName(event.target.value.trim())} />
      <TextField label={say("leadSource.channel")} help={say("leadSource.word.help")} wrong={wrong(channel, "channel")} maxLength={30} autoComplete="off" data-testid="source-channel" value={channel} onChange={(event) => setChannel(event.target.value.trim())} />
    </Ask>
  );
}

/** A secret that the server shows once. It stays on the page until its reader says that it is kept. */
function SecretCard({ secret, onKept }: { secret: Secret; onKept: () => void }) {
  const say = useSay();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(secret.text);
      toast("ok", say("leadSource.secret.copied"));
    } catch {
      toast("bad", say("leadSource.secret.byHand"));
    }
  };
  return (
    <Card title={say("leadSource.secret.title", { name: secret.name })} className="border-warn/70">
      <div role="status" className="space-y-2 text-sm">
        <p>{say("leadSource.secret.help")}</p>
        <p><code className="rounded bg-raised px-1.5 py-1 text-sm break-all select-all" data-testid="source-secret">{secret.text}</code></p>
      </div>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button className="h-9 wide:h-8" data-testid="secret-copy" onClick={() => void copy()}>{say("leadSource.secret.copy")}</Button>
        <Button tone="primary" className="h-9 wide:h-8" data-testid="secret-kept" onClick={onKept}>{say("leadSource.secret.kept")}</Button>
      </div>
    </Card>
  );
}
