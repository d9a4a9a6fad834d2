import { useHere } from "../context";
import { useSay } from "../i18n";
import { Body, Page } from "../ui/Page";
import { Consents } from "./Consents";
import { Requests } from "./Requests";

/** What a person agrees to, and the way to their own data and to their end. */
export default function MyDataPage() {
  const say = useSay();
  const { me } = useHere();
  return (
    <Page title={say("page.mydata")}>
      <Body className="max-w-180">
        {me && <Consents subject={me.user.id} own />}
        {me && <Requests subject={me.user.id} own />}
      </Body>
    </Page>
  );
}
