import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { pathOf } from "../../app/route";
import { useSettings } from "../../app/settings";
import { toast } from "../../app/toasts";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { kyc, REJECT_REASONS, type KycCase, type RejectReason, type Reviewed } from "../api/kyc";
import { useDoor, useHere, useMay } from "../context";
import { useSay, word } from "../i18n";
import { usePeople } from "../people";
import { DataLink } from "../subjects/DataLink";
import { Ask } from "../ui/Ask";
import { SelectField } from "../ui/Field";
import { Link } from "../ui/Link";
import { Body, Card, Facts, Page, Trouble, Wait } from "../ui/Page";
import { Tag, type Tone } from "../ui/Tag";
import { DocumentDecision } from "./DocumentDecision";
import { DocumentView } from "./DocumentView";
import { STATUS_TONES } from "./QueuePage";
import { byWeight, hindrance, isBarred } from "./review";

const WEIGHT_TONES: Record<string, Tone> = { bar: "crit", risk: "warn", note: "plain" };

/** One case: the document at the left, what was read on it at the right, then the checks and the decision. */
export default function ReviewPage({ id }: { id: string }) {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({ queryKey: ["kyc", "case", id], queryFn: () => kyc.case(door, id), retry: false });
  const data = query.data;
  const [shown, setShown] = useState<string | null>(null);
  const document = data?.documents.find((one) => one.document_id === shown) ?? data?.documents[0];
  return (
    <Page
      title={data ? (data.client ?? data.user_id.slice(0, 8)) : say("review.title")}
      wide
      back={<Link to={pathOf("reviews")} className="text-sm text-ink-2 underline underline-offset-2">{say("queue.title")}</Link>}
      aside={data && <><DataLink subject={data.user_id} /><Tag tone={STATUS_TONES[data.status]} data-testid="case-status">{say(`kyc.${data.status}`)}</Tag></>}
    >
      <Body>
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={6} />}
        {data && (
          <div className="space-y-3" data-testid="review" data-revision={data.revision}>
            <div role="tablist" aria-label={say("review.documents")} className="flex flex-wrap gap-1">
              {data.documents.map((one) => (
                <button key={one.document_id} type="button" role="tab" aria-selected={one.document_id === document?.document_id} aria-controls="document" data-document={one.document_type} onClick={() => setShown(one.document_id)} className={`h-10 rounded-md border px-3 text-sm wide:h-8 ${one.document_id === document?.document_id ? "border-focus bg-raised font-semibold" : "border-line text-ink-2 hover:bg-hover"}`}>
                  {say(`document.${one.document_type}`)}
                </button>
              ))}
            </div>
            {document ? <DocumentView key={`${document.document_id}/${document.revision}`} document={document} caseId={id} /> : <p className="text-sm text-ink-3">{say("review.none")}</p>}
            {document && <DocumentDecision key={`${document.document_id}/decision`} data={data} document={document} />}
            <div className="grid gap-3 wide:grid-cols-2">
              <Checks data={data} />
              <Decision data={data} />
            </div>
            <Past data={data} />
          </div>
        )}
      </Body>
    </Page>
  );
}

/** Every check that found something, with what it means for the decision. */
function Checks({ data }: { data: KycCase }) {
  const say = useSay();
  const findings = byWeight(data.findings);
  return (
    <Card title={say("review.checks")}>
      {findings.length === 0 && <p className="text-sm text-ok">{say("review.clean")}</p>}
      <ul className="space-y-2 text-sm" data-testid="checks">
        {findings.map((finding, at) => (
          <li key={`${finding.code}/${at}`} data-check={finding.code} data-weight={finding.weight} className="flex items-start gap-2">
            <Tag tone={WEIGHT_TONES[finding.weight] ?? "plain"}>{word(say, "weight", finding.weight)}</Tag>
            <span className="min-w-0">
              <span className="block font-medium">{word(say, "finding", finding.code)}</span>
              <span className="text-xs text-ink-3">{finding.text}{finding.score !== null && ` (${finding.score})`}</span>
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Decision({ data }: { data: KycCase }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const people = usePeople();
  const { me } = useHere();
  const { language } = useSettings();
  const overrides = useMay("kyc.override");
  const [wish, setWish] = useState<"approve" | "reject" | "override" | "upheld" | "dismissed" | null>(null);
  const [reason, setReason] = useState<RejectReason>("image_unreadable");
  const why = hindrance(data, me);
  const barred = isBarred(data);
  const took = async (answer?: Reviewed) => {
    if (answer) toast(answer.awaiting_second ? "info" : "ok", say(answer.awaiting_second ? "review.first" : `kyc.${answer.new_status}`), answer.notification_sent ? say("review.told") : undefined);
    await cache.invalidateQueries({ queryKey: ["kyc"] });
  };
  return (
    <Card title={say("review.decision")}>
      <Facts
        rows={[
          [say("kyc.attempt.name"), `${data.attempt} (${say("kyc.left", { n: data.attempts_left })})`],
          [say("kyc.due"), data.due_at === null ? say("none") : formatMoment(data.due_at, language)],
          [say("kyc.eyes"), say(data.risky ? "kyc.eyes.four" : "kyc.eyes.two")],
          ...(data.first_reviewer ? [[say("kyc.first"), people(data.first_reviewer)] as const] : []),
        ]}
      />
      {why && why !== "notAllowed" && <p className="mt-3 rounded-md border border-warn/60 p-2 text-xs" data-testid="hindrance" data-why={why}>{say(`hindrance.${why}`)}</p>}
      {barred && data.status === "REVIEW_REQUIRED" && <p className="mt-3 rounded-md border border-crit/60 p-2 text-xs">{say("review.barred")}</p>}
      <div className="mt-3 flex flex-wrap gap-2">
        {why === null && <Button tone="primary" data-testid="approve" disabled={barred} onClick={() => setWish("approve")}>{say(data.awaiting_second ? "review.approve.second" : "review.approve")}</Button>}
        {(why === null || why === "secondPerson") && <Button tone="danger" data-testid="reject" onClick={() => setWish("reject")}>{say("review.reject")}</Button>}
        {data.status === "BLOCKED" && overrides && <Button onClick={() => setWish("override")}>{say("review.override")}</Button>}
        {data.dispute?.status === "open" && why !== "notAllowed" && <Button onClick={() => setWish("upheld")}>{say("dispute.upheld")}</Button>}
        {data.dispute?.status === "open" && why !== "notAllowed" && <Button onClick={() => setWish("dismissed")}>{say("dispute.dismissed")}</Button>}
      </div>
      {wish === "approve" && (
        <Ask title={say("review.approve.title", { name: data.client ?? "" })} help={say(data.risky && !data.awaiting_second ? "review.approve.four" : "review.approve.help")} reason={say("notes")} optional verb={say("review.approve")} onDo={async (notes) => took(await kyc.approve(door, data.id, data.revision, notes))} onClose={() => setWish(null)} />
      )}
      {wish === "reject" && (
        <Ask title={say("review.reject.title", { name: data.client ?? "" })} help={say("review.reject.help")} reason={say("notes")} verb={say("review.reject")} danger onDo={async (notes) => took(await kyc.reject(door, data.id, data.revision, notes, reason))} onClose={() => setWish(null)}>
          <SelectField label={say("review.reason")} data-testid="reject-reason" value={reason} onChange={(event) => setReason(event.target.value as RejectReason)}>
            {REJECT_REASONS.map((one) => <option key={one} value={one}>{say(`rejectReason.${one}`)}</option>)}
          </SelectField>
        </Ask>
      )}
      {wish === "override" && (
        <Ask
          title={say("review.override")}
          help={say("review.override.help")}
          reason={say("reason")}
          verb={say("review.override")}
          onDo={async (text) => {
            await kyc.override(door, data.id, text, data.revision);
            await took();
          }}
          onClose={() => setWish(null)}
        />
      )}
      {(wish === "upheld" || wish === "dismissed") && data.dispute && (
        <Ask
          title={say(`dispute.${wish}`)}
          help={say(`dispute.${wish}.help`)}
          reason={say("notes")}
          verb={say(`dispute.${wish}`)}
          onDo={async (notes) => {
            if (data.dispute) await kyc.resolve(door, data.dispute.id, wish, notes);
            await took();
          }}
          onClose={() => setWish(null)}
        />
      )}
    </Card>
  );
}

function Past({ data }: { data: KycCase }) {
  const say = useSay();
  const people = usePeople();
  const { language } = useSettings();
  const { reviews } = data;
  if (reviews.length === 0 && !data.dispute) return null;
  return (
    <Card title={say("review.past")}>
      <ul className="space-y-1.5 text-sm">
        {data.dispute && <li><Tag tone="crit">{data.dispute.priority}</Tag> {say("dispute.title")}: {data.dispute.reason} · {say("dispute.due", { time: formatMoment(data.dispute.due_at, language) })}</li>}
        {reviews.map((review, at) => (
          <li key={at}>
            <span className="font-medium">{word(say, "reviewed", review.action)}</span> {review.notes && <span className="text-ink-2">“{review.notes}”</span>} <span className="text-xs text-ink-3">{formatMoment(review.at, language)} · {people(review.reviewer)}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
