import type { Instrument, Standing, Traded } from "../../api/types";
import { useStreamStatus } from "../../app/services";
import { useSettings, useTranslate } from "../../app/settings";
import { useTrading } from "../../app/trading";
import { formatMoment } from "../../format/time";
import { stopsOn } from "../../live/held";
import { accountBanners, BannerList, feedBanners, modeText, streamBanners, type Banner } from "../terminal/BannerList";

interface Props {
  standing: Standing | undefined;
  account: Traded | undefined;
  instrument: Instrument | undefined;
  /** The client has confirmed a margin call, which ends the session. */
  onConfirmed: () => void;
}

/** What a client has to know before they trade, and what they owe after a margin call. */
export function OwnBanners({ standing, account, instrument, onConfirmed }: Props) {
  const t = useTranslate();
  const { language } = useSettings();
  const status = useStreamStatus();
  const { answerCall } = useTrading(account?.id ?? null);
  const banners: Banner[] = streamBanners(status, t, (us) => formatMoment(us, language));
  if (standing) {
    const phone = standing.phone || t("banner.noPhone");
    for (const stop of stopsOn(standing.stops, instrument?.symbol ?? null)) {
      const text = modeText(stop, stop.symbol ?? t("own.everything"), phone, t);
      banners.push({ key: `mode-${stop.symbol ?? ""}`, tone: stop.mode === "halt" ? "stop" : "warn", icon: "lock", text });
    }
  }
  if (account) banners.push(...accountBanners(account, (step) => void answerCall(step).then((done) => done && step === "confirm" && onConfirmed()), t, language));
  if (instrument?.halted) banners.push({ key: "halted", tone: "stop", icon: "alert", text: t("banner.halted", { symbols: instrument.symbol }) });
  if (instrument) banners.push(...feedBanners(instrument, t, (us) => formatMoment(us, language)));
  return <BannerList banners={banners} />;
}
