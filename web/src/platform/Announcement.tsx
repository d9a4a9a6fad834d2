import type { Me } from "../api/types";
import { useMaintenance } from "../app/maintenance";
import { useSettings, useTranslate } from "../app/settings";
import { formatMoment } from "../format/time";
import { BannerList, maintenanceBanners } from "../pages/terminal/BannerList";

/** A maintenance that is ahead or running, over every page of the platform; the trading pages have it among their own banners. */
export function Announcement({ me }: { me: Me | null }) {
  const t = useTranslate();
  const { language } = useSettings();
  // Whoever has yet to set up a second factor is answered nothing else.
  const known = useMaintenance(me !== null && !me.enrol);
  return <BannerList banners={maintenanceBanners(known, t, (us) => formatMoment(us, language))} />;
}
