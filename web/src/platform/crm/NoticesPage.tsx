import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Panel";
import { Segmented } from "../../ui/Segmented";
import { useAct } from "../act";
import { NOTICES, sales, type Notice } from "../api/sales";
import { useDoor } from "../context";
import { useSay, word } from "../i18n";
import { usePages } from "../pages";
import { usePeople } from "../people";
import { Link } from "../ui/Link";
import { More } from "../ui/More";
import { Body, Page, Trouble, Wait } from "../ui/Page";
import { figures } from "./notices";
import { useNews } from "./useNews";

/** The stream tells of new ones; this is for whoever it does not reach. */
const NOTICES_MS = 60_000;

/** What sales has to tell this person, the newest first. */
export default function NoticesPage() {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const [which, setWhich] = useState<"unread" | "all">("unread");
  const [busy, setBusy] = useState(false);
  const list = usePages<Notice>([...NOTICES, which], (cursor) => sales.notices(door, which === "unread", cursor), { everyMs: NOTICES_MS });
  useNews(() => list.reread());
  const unread = list.items.filter((notice) => notice.read_at === null);
  const read = async (notices: readonly Notice[]) => {
    setBusy(true);
    await act(async () => {
      for (const notice of notices) await sales.readNotice(door, notice.id);
    });
    await cache.invalidateQueries({ queryKey: NOTICES });
    setBusy(false);
  };
  return (
    <Page title={say("page.notices")} aside={<Segmented label={say("notices.which")} value={which} options={[{ value: "unread", text: say("notices.unread") }, { value: "all", text: say("notices.all") }]} onChange={setWhich} />}>
      <Body className="max-w-180">
        {list.error && <Trouble error={list.error} onRetry={list.reread} />}
        {list.waiting && <Wait lines={5} />}
        {!list.waiting && !list.error && list.items.length === 0 && <Empty icon="check" title={say("notices.none")} help={say("notices.none.help")} />}
        {unread.length > 1 && <Button size="sm" className="h-9 wide:h-7" data-testid="notice-read-all" disabled={busy} onClick={() => void read(unread)}>{say("notice.readAll")}</Button>}
        <ul className="space-y-2" data-testid="notices">
          {list.items.map((notice) => <Row key={notice.id} notice={notice} busy={busy} onRead={() => void read([notice])} />)}
        </ul>
        <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
      </Body>
    </Page>
  );
}

function Row({ notice, busy, onRead }: { notice: Notice; busy: boolean; onRead: () => void }) {
  const say = useSay();
  const people = usePeople();
  const { language } = useSettings();
  const what = word(say, "notice", notice.kind);
  const told = figures(notice, say, people, (count) => formatDecimal(String(count), language));
  return (
    <li data-notice={notice.kind} data-read={notice.read_at !== null || undefined} className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg border border-line bg-panel p-3 text-sm">
      <div className="min-w-0 flex-1 basis-52 break-words">
        <p className={notice.read_at === null ? "font-semibold" : "text-ink-2"}>{what}</p>
        {told !== "" && <p className="text-ink-2">{told}</p>}
        <p className="text-xs text-ink-3">{formatMoment(notice.at, language)}{notice.read_at !== null && <> · {say("notice.was", { time: formatMoment(notice.read_at, language) })}</>}</p>
      </div>
      <div className="flex flex-wrap items-center gap-x-3 empty:hidden">
        {notice.lead_id !== null && <Link to={pathOf("lead", notice.lead_id)} className="py-2 underline underline-offset-2" onClick={() => notice.read_at === null && onRead()}>{say("notice.lead")}</Link>}
        {notice.read_at === null && <Button size="sm" className="h-9 wide:h-7" data-testid="notice-read" aria-label={say("notice.read.this", { what })} disabled={busy} onClick={onRead}>{say("notice.read")}</Button>}
      </div>
    </li>
  );
}
