// Start the page.

import { createRoot } from "react-dom/client";

import "slack-blocks-to-jsx/dist/style.css";
import "./page.css";
import { Page } from "./Page.jsx";

const quietly = () => {}; // what is caught is shown on the page
createRoot(document.getElementById("page"), { onCaughtError: quietly }).render(<Page />);
