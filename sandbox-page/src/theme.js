// Light or dark: the system's theme until the user chooses one.

import { useEffect, useState } from "react";

const STORAGE_KEY = "sandbox-theme";
const PREFERS_DARK = window.matchMedia("(prefers-color-scheme: dark)");

export function useTheme() {
  const [chosen, setChosen] = useState(localStorage.getItem(STORAGE_KEY));
  const [system, setSystem] = useState(PREFERS_DARK.matches ? "dark" : "light");
  useEffect(() => {
    const follow = () => setSystem(PREFERS_DARK.matches ? "dark" : "light");
    PREFERS_DARK.addEventListener("change", follow);
    return () => PREFERS_DARK.removeEventListener("change", follow);
  }, []);
  const theme = chosen ?? system;
  useEffect(() => { document.documentElement.dataset.theme = theme; }, [theme]);
  const choose = (name) => {
    localStorage.setItem(STORAGE_KEY, name);
    setChosen(name);
  };
  return [theme, choose];
}
