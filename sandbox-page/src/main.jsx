// Start the page.

import { createRoot } from "react-dom/client";

import "slack-blocks-to-jsx/dist/style.css";
import "./page.css";
import { Page } from "./Page.jsx";

createRoot(document.getElementById("page")).render(<Page />);
