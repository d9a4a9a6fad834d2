import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { watchPresence } from "./app/presence";
import { apply } from "./app/settings";
import { takeStart } from "./app/start";
import "./styles.css";

apply();
watchPresence();
createRoot(document.getElementById("root")!).render(<App start={takeStart()} />);
