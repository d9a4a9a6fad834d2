import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useState } from "react";
import { Problem } from "../../api/client";
import { useSettings } from "../../app/settings";
import { formatMoment } from "../../format/time";
import { Button } from "../../ui/Button";
import { Segmented } from "../../ui/Segmented";
import { kyc, type DocumentType, type KycCase } from "../api/kyc";
import { useDoor, useHere } from "../context";
import { useSay, word } from "../i18n";
import { Ask } from "../ui/Ask";
import { Body, Card, Facts, Page, Trouble, Wait } from "../ui/Page";
import { Tag } from "../ui/Tag";
import { accepted, fileFault, lacking, uploadForm } from "./files";
import { STATUS_TONES } from "./QueuePage";

const CASE_MS = 10_000;

/** The client's own verification: what is wanted, what was handed in, and how it stands. */
export default function VerifyPage() {
  const say = useSay();
  const door = useDoor();
  const query = useQuery({
    queryKey: ["kyc", "me"],
    // Nothing was handed in yet: that is where everybody begins.
    queryFn: () => kyc.mine(door).catch((error: unknown) => (error instanceof Problem && error.status === 404 ? null : Promise.reject(error))),
    refetchInterval: ({ state }) => (state.data ? CASE_MS : false),
  });
  const mine = query.data;
  const open = mine === null || mine?.status === "PENDING_UPLOAD" || mine?.status === "REJECTED";
  return (
    <Page title={say("verify.title")}>
      <Body className="max-w-180">
        {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
        {query.isPending && <Wait lines={4} />}
        {mine && <Standing mine={mine} />}
        {mine !== undefined && open && <Upload mine={mine} />}
        {mine && <DisputeCard mine={mine} />}
      </Body>
    </Page>
  );
}

function Standing({ mine }: { mine: KycCase }) {
  const say = useSay();
  const { language } = useSettings();
  return (
    <Card title={say("verify.standing")} aside={<Tag tone={STATUS_TONES[mine.status]} data-testid="kyc-status">{say(`kyc.${mine.status}`)}</Tag>}>
      <p className="mb-2 text-sm">{say(`kyc.${mine.status}.help`)}</p>
      {mine.reason && mine.status === "REJECTED" && <p className="mb-2 text-sm font-medium text-crit">{word(say, "rejectReason", mine.reason)}</p>}
      <Facts
        rows={[
          ...(mine.submitted_at !== null ? [[say("kyc.submitted"), formatMoment(mine.submitted_at, language)] as const] : []),
          ...(mine.due_at !== null && mine.status === "REVIEW_REQUIRED" ? [[say("kyc.due"), formatMoment(mine.due_at, language)] as const] : []),
          [say("kyc.attemptsLeft"), String(mine.attempts_left)],
        ]}
      />
      <ul className="mt-3 divide-y divide-line text-sm">
        {mine.documents.map((one) => (
          <li key={one.document_id} data-document={one.document_type} className="flex items-center justify-between gap-2 py-1.5">
            {say(`document.${one.document_type}`)}
            <Tag>{word(say, "documentState", one.verification_status)}</Tag>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Files are looked at here only so far that nobody waits for a refusal that is certain. */
function Upload({ mine }: { mine: KycCase | null }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const lacks = lacking(mine);
  const [proof, setProof] = useState<"ktp" | "passport">("ktp");
  const [files, setFiles] = useState<Partial<Record<DocumentType, File>>>({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const types: DocumentType[] = [...(lacks.identity ? [proof] : []), ...lacks.others];
  const chosen = types.flatMap((type) => {
    const file = files[type];
    return file ? [[type, file] as const] : [];
  });
  const wrong = chosen.some(([type, file]) => fileFault(type, file) !== null);
  const send = async () => {
    setBusy(true);
    setError(null);
    try {
      await kyc.upload(door, uploadForm(chosen));
      setFiles({});
      await cache.invalidateQueries({ queryKey: ["kyc", "me"] });
    } catch (caught) {
      setError(caught);
    }
    setBusy(false);
  };
  return (
    <Card title={say("verify.upload")}>
      <form
        data-testid="upload"
        className="space-y-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (chosen.length > 0 && !wrong && !busy) void send();
        }}
      >
        <p className="text-xs text-ink-3">{say("verify.rules")}</p>
        {lacks.identity && <Segmented label={say("verify.proof")} value={proof} options={[{ value: "ktp", text: say("document.ktp") }, { value: "passport", text: say("document.passport") }]} onChange={setProof} className="max-w-80" />}
        {types.map((type) => <FileField key={type} type={type} file={files[type]} onFile={(file) => setFiles((now) => ({ ...now, [type]: file }))} />)}
        {error !== null && <Trouble error={error} />}
        <Button type="submit" tone="primary" data-testid="upload-send" disabled={busy || wrong || chosen.length === 0}>{say(busy ? "verify.sending" : "verify.send")}</Button>
      </form>
    </Card>
  );
}

function FileField({ type, file, onFile }: { type: DocumentType; file: File | undefined; onFile: (file: File | undefined) => void }) {
  const say = useSay();
  const id = useId();
  const fault = file ? fileFault(type, file) : null;
  const [preview, setPreview] = useState<string | null>(null);
  useEffect(() => {
    if (!file || fault) return setPreview(null);
    const url = URL.createObjectURL(file);
    setPreview(url);
    return () => URL.revokeObjectURL(url);
  }, [file, fault]);
  return (
    <div className="flex flex-wrap items-center gap-3 rounded-md border border-line p-2">
      <div className="min-w-0 flex-1 basis-56">
        <label htmlFor={id} className="block text-sm font-medium">{say(`document.${type}`)}</label>
        <p id={`${id}-help`} className={`text-xs ${fault ? "text-crit" : "text-ink-3"}`}>{say(fault ? `file.${fault}` : `document.${type}.help`)}</p>
        <input id={id} data-testid={`file-${type}`} type="file" accept={accepted(type)} aria-describedby={`${id}-help`} aria-invalid={fault ? true : undefined} className="mt-1 block w-full text-xs" onChange={(event) => onFile(event.target.files?.[0])} />
      </div>
      {preview && <img src={preview} alt="" className="h-20 w-28 rounded border border-line object-contain" />}
    </div>
  );
}

/** Whoever was refused may object: the account is frozen until a person has looked at it again. */
function DisputeCard({ mine }: { mine: KycCase }) {
  const say = useSay();
  const door = useDoor();
  const cache = useQueryClient();
  const { reread } = useHere();
  const { language } = useSettings();
  const [asking, setAsking] = useState(false);
  if (mine.dispute) {
    return (
      <Card title={say("dispute.title")} aside={<Tag tone="warn">{word(say, "disputeState", mine.dispute.status)}</Tag>}>
        <p className="text-sm">{mine.dispute.reason}</p>
        <p className="mt-1 text-xs text-ink-3">{say("dispute.due", { time: formatMoment(mine.dispute.due_at, language) })}</p>
      </Card>
    );
  }
  if (mine.status === "PENDING_UPLOAD" || mine.status === "PROCESSING_OCR") return null;
  return (
    <>
      <Button tone="quiet" onClick={() => setAsking(true)}>{say("dispute.open")}</Button>
      {asking && (
        <Ask
          title={say("dispute.open")}
          help={say("dispute.help")}
          reason={say("reason")}
          verb={say("dispute.do")}
          danger
          onDo={async (reason) => {
            await kyc.dispute(door, reason);
            await cache.invalidateQueries({ queryKey: ["kyc", "me"] });
            await reread();
          }}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
