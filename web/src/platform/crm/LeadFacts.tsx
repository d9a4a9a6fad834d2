import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSettings } from "../../app/settings";
import { formatDecimal } from "../../format/decimal";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { crm, type Fact, type Lead } from "../api/crm";
import { useDoor, useMay } from "../context";
import { useSay, word } from "../i18n";
import { Ask } from "../ui/Ask";
import { SelectField, TextField } from "../ui/Field";
import { Card, Trouble, Wait } from "../ui/Page";
import { partKey, useTookLead } from "./useLead";

/** Facts that a person may write down; the others are given by their own checks. */
const BY_HAND = ["name", "city", "interest", "source", "engaged", "budget_confirmed"] as const;

/** The score with its parts, and the facts behind it. */
export function LeadFacts({ lead }: { lead: Lead }) {
  const say = useSay();
  const door = useDoor();
  const { language } = useSettings();
  const edits = useMay("lead.edit") && lead.status !== "merged";
  const query = useQuery({ queryKey: partKey(lead.id, "facts"), queryFn: () => crm.facts(door, lead.id), retry: false });
  const [adding, setAdding] = useState(false);
  const [leaving, setLeaving] = useState<Fact | null>(null);
  const took = useTookLead();
  const number = (value: number) => formatDecimal(String(value), language);
  const score = query.data?.score;
  const facts = query.data?.items ?? [];
  return (
    <>
      <Card title={say("lead.score")} aside={score && <span className="text-md font-semibold" data-testid="score">{number(score.total)}</span>}>
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait />}
        <ul className="space-y-1 text-sm">
          {score?.parts.map((one) => (
            <li key={one.kind} className="flex justify-between gap-2">
              <span className={one.points > 0 ? "" : "text-ink-3"}>{word(say, "fact", one.kind)}</span>
              <span>{say("lead.points", { points: number(one.points), of: number(one.of) })}</span>
            </li>
          ))}
        </ul>
      </Card>
      {query.data && (
        <Card title={say("facts")} aside={edits && <Button size="sm" data-testid="fact-new" onClick={() => setAdding(true)}>{say("fact.new")}</Button>}>
          {facts.length === 0 && <p className="text-xs text-ink-3">{say("facts.none")}</p>}
          <ul className="-my-2 divide-y divide-line text-sm">
            {facts.map((fact) => (
              <li key={fact.id} data-fact={fact.kind} data-withdrawn={fact.withdrawn_at !== null || undefined} className="flex flex-wrap items-start gap-x-2 gap-y-1 py-2">
                <div className="min-w-0 flex-1 basis-40 break-words">
                  <p className={fact.withdrawn_at === null ? "font-medium" : "text-ink-3 line-through"}>{word(say, "fact", fact.kind)}</p>
                  <p className="text-xs text-ink-3">{[say("facts.said", { source: fact.source }), fact.proof, formatMoment(fact.at, language)].filter(Boolean).join(" · ")}</p>
                  {fact.withdrawn_at !== null && <p className="text-xs text-ink-3">{say("facts.withdrawn", { time: formatMoment(fact.withdrawn_at, language) })}</p>}
                </div>
                {edits && fact.withdrawn_at === null && <Button size="sm" tone="quiet" data-testid="fact-withdraw" aria-label={say("fact.withdraw.title", { kind: word(say, "fact", fact.kind) })} onClick={() => setLeaving(fact)}>{say("fact.withdraw")}</Button>}
              </li>
            ))}
          </ul>
        </Card>
      )}
      {adding && <FactForm lead={lead} onClose={() => setAdding(false)} />}
      {leaving && (
        <Ask
          title={say("fact.withdraw.title", { kind: word(say, "fact", leaving.kind) })}
          help={say("fact.withdraw.help")}
          verb={say("fact.withdraw")}
          onDo={async () => took(await crm.withdrawFact(door, lead.id, leaving.id))}
          onClose={() => setLeaving(null)}
        />
      )}
    </>
  );
}

function FactForm({ lead, onClose }: { lead: Lead; onClose: () => void }) {
  const say = useSay();
  const door = useDoor();
  const took = useTookLead();
  const [kind, setKind] = useState("");
  const [source, setSource] = useState("");
  const [proof, setProof] = useState("");
  return (
    <Ask
      title={say("fact.new")}
      help={say("fact.new.help")}
      verb={say("fact.save")}
      blocked={kind === "" || source.trim() === ""}
      onDo={async () => took(await crm.addFact(door, lead.id, { kind, source: source.trim(), ...(proof.trim() ? { proof: proof.trim() } : {}) }))}
      onClose={onClose}
    >
      <SelectField label={say("fact.kind")} data-first-focus data-testid="fact-kind" value={kind} onChange={(event) => setKind(event.target.value)}>
        <option value="">{say("choose")}</option>
        {BY_HAND.map((one) => <option key={one} value={one}>{word(say, "fact", one)}</option>)}
      </SelectField>
      <TextField label={say("fact.said")} help={say("fact.said.help")} maxLength={50} data-testid="fact-source" value={source} onChange={(event) => setSource(event.target.value)} />
      <TextField label={say("fact.proof")} help={say("fact.proof.help")} maxLength={200} data-testid="fact-proof" value={proof} onChange={(event) => setProof(event.target.value)} />
    </Ask>
  );
}
