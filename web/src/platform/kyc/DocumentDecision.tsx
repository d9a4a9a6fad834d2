import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { toast } from "../../app/toasts";
import { Button } from "../../ui/Button";
import { kyc, REJECT_REASONS, type KycCase, type KycDocument, type RejectReason, type Reviewed } from "../api/kyc";
import { useDoor, useHere } from "../context";
import { useSay, word } from "../i18n";
import { Ask } from "../ui/Ask";
import { SelectField } from "../ui/Field";
import { Card } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { documentLeft, hindrance, isBarred } from "./review";

/** A decision about the shown document alone: the last approved one approves the case, a rejected one rejects the attempt. */
export function DocumentDecision({ data, document }: { data: KycCase; document: KycDocument }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const { me } = useHere();
  const [wish, setWish] = useState<"approve" | "reject" | null>(null);
  const [reason, setReason] = useState<RejectReason>("image_unreadable");
  const why = hindrance(data, me);
  const name = say(`document.${document.document_type}`);
  const left = documentLeft(data, document, me?.user.id ?? null);
  const approved = document.verification_status === "approved" && document.reviewed_by === me?.user.id;
  if (why !== null && why !== "secondPerson") return null;
  const took = async (answer: Reviewed) => {
    toast(answer.awaiting_second ? "info" : "ok", say(answer.awaiting_second ? "review.first" : answer.new_status === "REVIEW_REQUIRED" ? "docReview.marked" : `kyc.${answer.new_status}`), answer.notification_sent ? say("review.told") : undefined);
    await cache.invalidateQueries({ queryKey: ["kyc"] });
  };
  return (
    <Card title={say("docReview.title", { document: name })} aside={<Tag tone={approved ? "ok" : "plain"} data-testid="document-state">{word(say, "documentState", document.verification_status)}</Tag>}>
      <p className="mb-3 text-xs text-ink-3">{say(left === 0 ? "docReview.last" : "docReview.help")}</p>
      <div className="flex flex-wrap gap-2">
        {why === null && <Button data-testid="document-approve" disabled={isBarred(data) || approved} onClick={() => setWish("approve")}>{say("docReview.approve")}</Button>}
        <Button data-testid="document-reject" onClick={() => setWish("reject")}>{say("docReview.reject")}</Button>
      </div>
      {wish === "approve" && (
        <Ask title={say("docReview.approve.title", { document: name })} help={say(left === 0 ? "docReview.last" : "docReview.help")} verb={say("docReview.approve")} onDo={async () => took(await kyc.approveDocument(door, document.document_id, data.revision))} onClose={() => setWish(null)} />
      )}
      {wish === "reject" && (
        <Ask title={say("docReview.reject.title", { document: name })} help={say("docReview.reject.help")} reason={say("notes")} verb={say("docReview.reject")} danger onDo={async (notes) => took(await kyc.rejectDocument(door, document.document_id, data.revision, notes, reason))} onClose={() => setWish(null)}>
          <SelectField label={say("review.reason")} data-testid="document-reason" value={reason} onChange={(event) => setReason(event.target.value as RejectReason)}>
            {REJECT_REASONS.map((one) => <option key={one} value={one}>{say(`rejectReason.${one}`)}</option>)}
          </SelectField>
        </Ask>
      )}
    </Card>
  );
}
