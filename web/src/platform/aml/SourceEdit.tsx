import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { formatStamp } from "../../format/time";
import { aml, type AmlSource, type ListVersion } from "../api/aml";
import { useDoor } from "../context";
import { useSay } from "../i18n";
import { usePages } from "../pages";
import { Ask } from "../ui/Ask";
import { TextArea } from "../ui/Field";
import { More } from "../ui/More";
import { Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { addressFault, readAddresses } from "./addresses";

/** Where a list's files are, and whether it is read at all; the last good list stays in force until a new one was read. */
export function SourceEdit({ source: given, onClose }: { source: AmlSource; onClose: () => void }) {
  const say = useSay();
  // As it stood when it was opened: what came meanwhile is refused by the server, and not overwritten.
  const [source] = useState(given);
  const door = useDoor();
  const cache = useQueryClient();
  const [text, setText] = useState(source.urls.join("\n"));
  const [enabled, setEnabled] = useState(source.enabled);
  const urls = readAddresses(text);
  const fault = addressFault(urls);
  return (
    <Ask
      title={say("source.edit.title", { name: source.title })}
      help={say("source.edit.help")}
      verb={say("source.save")}
      blocked={fault !== null}
      onDo={async () => {
        await aml.configure(door, source.name, { urls, enabled, revision: source.revision });
        await cache.invalidateQueries({ queryKey: ["aml", "sources"] });
      }}
      onClose={onClose}
    >
      <TextArea label={say("source.urls")} help={say("source.urls.help")} wrong={fault && say(`source.urls.${fault}`)} rows={4} data-first-focus data-testid="source-urls" spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} />
      <label className="flex items-center gap-2 text-sm">
        <input type="checkbox" className="size-4" data-testid="source-enabled" checked={enabled} onChange={(event) => setEnabled(event.target.checked)} />
        {say("source.on")}
      </label>
    </Ask>
  );
}

/** Versions of a list with the tries that were refused, the newest first. */
export function Versions({ source }: { source: string }) {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const list = usePages<ListVersion & { id: number }>(["aml", "versions", source], (cursor) => aml.versions(door, source, cursor));
  const number = (value: number) => formatDecimal(String(value), language);
  return (
    <div className="mt-2 border-t border-line pt-2" data-testid="versions">
      {list.error && <Trouble error={list.error} onRetry={list.reread} />}
      {list.waiting && <Wait lines={2} />}
      {!list.waiting && !list.error && list.items.length === 0 && <p className="text-xs text-ink-3">{say("versions.none")}</p>}
      <ul className="space-y-1 text-xs">
        {list.items.map((one) => (
          <li key={one.id} className="break-words">
            <Tag tone={one.outcome === "adopted" ? "ok" : "crit"}>{say(`version.${one.outcome}`)}</Tag> <span className="text-ink-3">{formatStamp(one.created_at_us, language)}</span>{" "}
            {one.outcome === "adopted" && say("version.changes", { entries: number(one.entries), added: number(one.added), changed: number(one.changed), removed: number(one.removed) })}
            {one.reason && <span className="text-ink-2"> {one.reason}</span>}
          </li>
        ))}
      </ul>
      <More shown={list.items.length} more={list.more} busy={list.busy} onMore={list.onMore} />
    </div>
  );
}
