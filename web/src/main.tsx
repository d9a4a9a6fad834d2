import { createRoot } from "react-dom/client";
import { App, takeSecret } from "./app/App";
import { apply } from "./app/settings";
import "./styles.css";

apply();
createRoot(document.getElementById("root")!).render(<App secret={takeSecret()} />);
