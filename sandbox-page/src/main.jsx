// Render the page.

import { createRoot } from "react-dom/client";

import "slack-blocks-to-jsx/dist/style.css";
import "./page.css";
import { Page } from "./Page.jsx";

const ignore = () => {}; // ErrorBoundary shows the block that failed
createRoot(document.getElementById("page"), { onCaughtError: ignore }).render(<Page />);
