import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { identity, type SessionRow } from "../api/identity";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { Ask } from "../ui/Ask";
import { Body, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";

/** Where this person is signed in, and the way to end it there. */
export default function SessionsPage() {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const { language } = useSettings();
  const query = useQuery({ queryKey: ["me", "sessions"], queryFn: () => identity.sessions(door), retry: false });
  const [ending, setEnding] = useState<SessionRow | null>(null);
  const nameOf = (row: SessionRow) => row.client ?? say("session.unknown");
  return (
    <Page title={say("page.sessions")}>
      <Body className="max-w-180">
        <p className="text-sm text-ink-2">{say("sessions.help")}</p>
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait />}
        <ul className="space-y-2" data-testid="sessions">
          {query.data?.map((row) => (
            <li key={row.id} data-session={row.id} data-current={row.current || undefined} className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg border border-line bg-panel p-3 text-sm">
              <div className="min-w-0 flex-1 basis-52">
                <p className="font-medium break-words">{nameOf(row)}</p>
                <p className="text-xs text-ink-3">{say("session.began", { time: formatMoment(row.created_at, language) })} · {say("session.seen", { time: formatMoment(row.seen_at, language) })}</p>
              </div>
              {row.mfa && <Tag tone="ok">{say("session.mfa")}</Tag>}
              {row.current ? <Tag tone="lead">{say("session.current")}</Tag> : <Button data-testid="session-end" onClick={() => setEnding(row)}>{say("session.end")}</Button>}
            </li>
          ))}
        </ul>
      </Body>
      {ending && (
        <Ask
          title={say("session.end.title", { name: nameOf(ending) })}
          help={say("session.end.help")}
          verb={say("session.end")}
          danger
          onDo={async () => {
            await identity.endSession(door, ending.id);
            await cache.invalidateQueries({ queryKey: ["me", "sessions"] });
            toast("ok", say("session.ended"));
          }}
          onClose={() => setEnding(null)}
        />
      )}
    </Page>
  );
}
