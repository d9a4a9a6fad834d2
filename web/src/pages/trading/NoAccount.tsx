import { useState } from "react";
import { useServices } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { toast } from "../../app/toasts";
import { explainFault } from "../../platform/fault";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Panel";

interface Props {
  user: string;
  /** An account is being opened. */
  opening: boolean;
  onOpened: (account: number) => void;
  onPages: () => void;
}

/** Whoever has no account yet opens one with play money, or hands their documents in. */
export function NoAccount({ user, opening, onOpened, onPages }: Props) {
  const t = useTranslate();
  const { api } = useServices();
  const { language } = useSettings();
  const [busy, setBusy] = useState(false);
  const open = async () => {
    setBusy(true);
    try {
      onOpened((await api.openDemo(user)).account_id);
    } catch (error) {
      const { text, detail } = explainFault(error, language);
      toast("bad", text, detail);
    }
    setBusy(false);
  };
  return (
    <main className="flex min-h-0 flex-1 flex-col bg-panel" data-testid="no-account">
      <Empty icon="chart" title={t("own.none")} help={t("own.noneHelp")}>
        <p className="mt-3 flex flex-wrap justify-center gap-2">
          <Button tone="primary" data-testid="open-demo" disabled={busy || opening} onClick={() => void open()}>{t(opening ? "own.opening" : "own.openDemo")}</Button>
          <Button onClick={onPages}>{t("own.verify")}</Button>
        </p>
      </Empty>
    </main>
  );
}
