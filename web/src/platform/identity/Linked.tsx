import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useServices } from "../../app/services";
import { useSettings } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { Button, IconButton } from "../../ui/Button";
import { useAct } from "../act";
import { identity, signIn, type LinkedAccount } from "../api/identity";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { Ask } from "../ui/Ask";
import { Card, Trouble, Wait } from "../ui/Page";

/** Accounts at other houses that sign their owner in here: linked by a visit there, taken away here. Nothing where no house is set up. */
export function Linked() {
  const say = useSay();
  const act = useAct();
  const door = useDoor();
  const cache = useQueryClient();
  const { api } = useServices();
  const { language } = useSettings();
  const providers = useQuery({ queryKey: ["providers"], queryFn: () => signIn.providers(api), retry: false });
  const query = useQuery({ queryKey: ["me", "linked"], queryFn: () => identity.linked(door), retry: false });
  const [dropping, setDropping] = useState<LinkedAccount | null>(null);
  if ((providers.data ?? []).length === 0 && (query.data ?? []).length === 0) return null;
  const link = (name: string) =>
    void act(async () => {
      const { url } = await identity.beginLink(door, name);
      location.assign(url);
    });
  return (
    <Card title={say("linked.title")}>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Wait lines={2} />}
      {query.data?.length === 0 && <p className="text-sm text-ink-3">{say("linked.none")}</p>}
      <ul className="divide-y divide-line text-sm" data-testid="linked">
        {query.data?.map((account) => (
          <li key={account.id} className="flex items-center gap-2 py-1.5">
            <span className="min-w-0 flex-1">
              <span className="block truncate font-medium">{account.title}</span>
              <span className="text-xs text-ink-3">{say("linked.made", { time: formatMoment(account.created_at, language) })}{account.used_at !== null && ` · ${say("passkey.used", { time: formatMoment(account.used_at, language) })}`}</span>
            </span>
            <IconButton icon="close" name={say("linked.drop", { name: account.title })} onClick={() => setDropping(account)} />
          </li>
        ))}
      </ul>
      <p className="mt-3 flex flex-wrap gap-2">
        {providers.data?.map(({ name, title }) => (
          <Button key={name} size="sm" className="h-9 wide:h-7" data-testid={`link-${name}`} onClick={() => link(name)}>{say("linked.do", { name: title })}</Button>
        ))}
      </p>
      <p className="mt-3 text-xs text-ink-3">{say("linked.help")}</p>
      {dropping && (
        <Ask
          title={say("linked.drop", { name: dropping.title })}
          help={say("linked.drop.help")}
          verb={say("passkey.drop.do")}
          danger
          onDo={async () => {
            await identity.unlink(door, dropping.id);
            await cache.invalidateQueries({ queryKey: ["me", "linked"] });
          }}
          onClose={() => setDropping(null)}
        />
      )}
    </Card>
  );
}
