// Light or dark: as the machine says, until somebody says otherwise.

import { useEffect, useState } from "react";

const KEPT = "sandbox-theme";
const DARK = window.matchMedia("(prefers-color-scheme: dark)");

export function useTheme() {
  const [chosen, setChosen] = useState(localStorage.getItem(KEPT));
  const [system, setSystem] = useState(DARK.matches ? "dark" : "light");
  useEffect(() => {
    const follow = () => setSystem(DARK.matches ? "dark" : "light");
    DARK.addEventListener("change", follow);
    return () => DARK.removeEventListener("change", follow);
  }, []);
  const theme = chosen ?? system;
  useEffect(() => { document.documentElement.dataset.theme = theme; }, [theme]);
  const choose = (name) => {
    localStorage.setItem(KEPT, name);
    setChosen(name);
  };
  return [theme, choose];
}
