import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { aml, type CaseHit, type CaseStatus, type Grade, type Hit } from "../api/aml";
import { useDoor, useHere, useMay } from "../context";
import { useSay, word } from "../i18n";
import { usePeople } from "../people";
import { Ask } from "../ui/Ask";
import { Card, Facts } from "../ui/Page";
import { Tag, type Tone } from "../ui/Tag";
import { choiceOf } from "./decision";

const STRENGTHS: Record<Grade["strength"], Tone> = { exact: "crit", strong: "warn", possible: "plain" };

/** Both scores beside each other, and what ours is made of. */
export function Scores({ grade }: { grade: Grade }) {
  const say = useSay();
  return (
    <div data-testid="scores">
      <div className="grid grid-cols-2 gap-2">
        <Bar name={say("hit.score")} value={grade.score} part="score" />
        <Bar name={say("hit.listScore")} value={grade.list_score} part="list-score" />
      </div>
      <dl className="mt-2 grid grid-cols-2 gap-x-4 gap-y-0.5 text-xs wide:grid-cols-3">
        {(["name", "query_coverage", "entry_coverage", "rarity"] as const).map((name) => (
          <div key={name} className="flex justify-between gap-2"><dt className="text-ink-3">{say(`hit.${name}`)}</dt><dd>{grade[name]} %</dd></div>
        ))}
        {(["birth", "country"] as const).map((name) => (
          <div key={name} className="flex justify-between gap-2"><dt className="text-ink-3">{say(`hit.${name}`)}</dt><dd>{say(`match.${grade[name]}`)}</dd></div>
        ))}
      </dl>
    </div>
  );
}

function Bar({ name, value, part }: { name: string; value: number; part: string }) {
  return (
    <div data-part={part}>
      <p className="flex justify-between text-xs"><span className="text-ink-3">{name}</span><span className="font-semibold">{value} %</span></p>
      <div aria-hidden className="mt-0.5 h-1.5 overflow-hidden rounded-full bg-raised"><div className="h-full bg-warn" style={{ width: `${Math.max(0, Math.min(100, value))}%` }} /></div>
    </div>
  );
}

export function HitTitle({ hit }: { hit: Hit }) {
  const say = useSay();
  return (
    <span className="flex flex-wrap items-center gap-1.5">
      <span className="font-semibold">{hit.name}</span>
      <Tag tone={STRENGTHS[hit.grade.strength]}>{say(`strength.${hit.grade.strength}`)}</Tag>
      <Tag>{word(say, "list", hit.source)}</Tag>
    </span>
  );
}

/** An entry of a list that a client's name is like, and the decision whether it is the same person. */
export function HitCard({ caseId, status, found }: { caseId: string; status: CaseStatus; found: CaseHit }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const people = usePeople();
  const works = useMay("aml.work");
  const { me } = useHere();
  const { language } = useSettings();
  const [wish, setWish] = useState<"same" | "other" | "back" | null>(null);
  const choice = works ? choiceOf(found, status, me?.user.id ?? null) : "none";
  const { hit, entry } = found;
  return (
    <Card title={say("hit.title")} aside={<Tag tone={found.decision === "same" ? "crit" : found.decision === "other" ? "ok" : "warn"}>{say(`hitDecision.${found.decision}`)}</Tag>}>
      <div data-hit={found.id} data-decision={found.decision} className="space-y-3">
        <HitTitle hit={hit} />
        <Scores grade={hit.grade} />
        {entry && (
          <Facts
            rows={[
              [say("entry.names"), entry.names.map((name) => `${name.text} (${say(`nameQuality.${name.quality}`)})`).join("; ")],
              [say("entry.births"), entry.births.join(", ") || say("none")],
              [say("entry.countries"), entry.countries.join(", ") || say("none")],
              [say("entry.programs"), entry.programs.join(", ") || say("none")],
              [say("entry.remarks"), entry.remarks || say("none")],
            ]}
          />
        )}
        {found.decided_at_us !== null && <p className="text-xs text-ink-2">“{found.reason}” · {formatMoment(found.decided_at_us, language)} · {people(found.decided_by)}</p>}
        {choice === "decide" && (
          <div className="flex flex-wrap gap-2">
            <Button tone="danger" data-testid="hit-same" onClick={() => setWish("same")}>{say("hit.same")}</Button>
            <Button data-testid="hit-other" onClick={() => setWish("other")}>{say("hit.other")}</Button>
          </div>
        )}
        {choice === "takeBack" && <Button data-testid="hit-back" onClick={() => setWish("back")}>{say("hit.back")}</Button>}
        {(choice === "ownWord" || choice === "caseClosed") && <p data-testid="hit-stays" className="text-xs text-ink-3">{say(`hit.back.${choice}`)}</p>}
      </div>
      {wish && (
        <Ask
          title={say(`hit.${wish}.title`, { name: hit.name })}
          help={say(`hit.${wish}.help`)}
          reason={say("reason")}
          verb={say(`hit.${wish}`)}
          danger={wish === "same"}
          onDo={async (reason) => {
            await aml.decide(door, caseId, found.id, wish === "same" ? "same" : "other", reason);
            await cache.invalidateQueries({ queryKey: ["aml"] });
          }}
          onClose={() => setWish(null)}
        />
      )}
    </Card>
  );
}
