import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button, IconButton } from "../../ui/Button";
import { useAct } from "../act";
import { kyc, type KycDocument } from "../api/kyc";
import { useDoor, useMay } from "../context";
import { useSay, word } from "../i18n";
import { TextArea, TextField } from "../ui/Field";
import { Card, Facts } from "../ui/Page";
import { changed, FIELDS, shownField, type FieldName } from "./review";

const ZOOM_STEPS = [1, 1.5, 2, 3] as const;

/** A document at the left, what was read on it at the right; what a machine misread a person corrects, and the checks are made anew. */
export function DocumentView({ document, caseId }: { document: KycDocument; caseId: string }) {
  const say = useSay();
  return (
    <div id="document" role="tabpanel" aria-label={say(`document.${document.document_type}`)} className="grid gap-3 wide:grid-cols-2">
      <Picture document={document} />
      <Fields document={document} caseId={caseId} />
    </div>
  );
}

function Picture({ document }: { document: KycDocument }) {
  const say = useSay();
  const [zoom, setZoom] = useState(0);
  const [turn, setTurn] = useState(0);
  const [lost, setLost] = useState(false);
  const cache = useQueryClient();
  const name = say(`document.${document.document_type}`);
  return (
    <Card
      title={name}
      aside={
        document.content_url && (
          <>
            <Button size="sm" aria-label={say("picture.zoom", { n: ZOOM_STEPS[zoom]! })} onClick={() => setZoom((zoom + 1) % ZOOM_STEPS.length)}>{ZOOM_STEPS[zoom]}×</Button>
            <IconButton icon="swap" name={say("picture.turn")} onClick={() => setTurn((turn + 90) % 360)} />
          </>
        )
      }
    >
      {document.content_url && !lost ? (
        <div className="scroll grid h-80 place-items-center rounded bg-bg wide:h-96" tabIndex={0} role="region" aria-label={name}>
          <img src={document.content_url} alt={name} data-testid="document-image" onError={() => setLost(true)} className="max-h-full max-w-full object-contain" style={{ transform: `rotate(${turn}deg) scale(${ZOOM_STEPS[zoom]})` }} />
        </div>
      ) : (
        <div className="grid h-40 place-items-center text-center text-sm text-ink-3">
          <div>
            <p>{say(lost ? "picture.over" : "picture.none")}</p>
            {lost && <Button size="sm" className="mt-2" onClick={() => (setLost(false), void cache.invalidateQueries({ queryKey: ["kyc", "case"] }))}>{say("again")}</Button>}
          </div>
        </div>
      )}
      <div className="mt-3">
        <Facts
          rows={[
            [say("picture.quality"), `${document.quality} / 100${document.hints.length > 0 ? ` · ${document.hints.map((hint) => word(say, "hint", hint)).join(", ")}` : ""}`],
            [say("picture.reading"), `${word(say, "ocr", document.ocr_status)}${document.ocr_confidence === null ? "" : ` · ${document.ocr_confidence} %`}`],
          ]}
        />
      </div>
    </Card>
  );
}

function Fields({ document, caseId }: { document: KycDocument; caseId: string }) {
  const say = useSay();
  const door = useDoor();
  const act = useAct();
  const cache = useQueryClient();
  const writes = useMay("kyc.review") && document.sight === "clear" && document.case_status === "REVIEW_REQUIRED";
  const [typed, setTyped] = useState<Partial<Record<FieldName, string>>>({});
  const [busy, setBusy] = useState(false);
  const names = FIELDS[document.document_type] ?? [];
  const read = document.document_data;
  const save = async () => {
    setBusy(true);
    await act(() => kyc.fields(door, document.document_id, changed(read, typed), document.revision), say("fields.saved"));
    await cache.invalidateQueries({ queryKey: ["kyc", "case", caseId] });
    setBusy(false);
  };
  return (
    <Card title={say("fields.title")}>
      {names.length === 0 && <p className="text-sm text-ink-3">{say("fields.none")}</p>}
      {document.sight === "masked" && <p className="mb-2 text-xs text-ink-3">{say("masked")}</p>}
      <form
        className="space-y-2"
        data-testid="fields"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void save();
        }}
      >
        {names.map((name) => {
          const shown = { label: say(`field.${name}`), readOnly: !writes, "data-field": name, autoComplete: "off", value: typed[name] ?? shownField(read, name) };
          const type = (text: string) => setTyped((now) => ({ ...now, [name]: text }));
          return name === "mrz" ? <TextArea key={name} {...shown} onChange={(event) => type(event.target.value)} /> : <TextField key={name} {...shown} onChange={(event) => type(event.target.value)} />;
        })}
        {writes && names.length > 0 && <Button type="submit" data-testid="fields-save" disabled={busy || Object.keys(typed).length === 0}>{say("fields.save")}</Button>}
      </form>
    </Card>
  );
}
