// Slack's confirmation dialog, which it shows before it sends a click.

import { createContext, useCallback, useContext, useEffect, useRef, useState } from "react";

import { SlackText } from "./SlackText.jsx";

const ConfirmContext = createContext(null);

// `await confirm(confirmObject, names)` is true if the user confirmed.
export const useConfirm = () => useContext(ConfirmContext);

export function ConfirmProvider({ children }) {
  const [pending, setPending] = useState(null);
  const confirm = useCallback(
    (object, names) => new Promise((resolve) => setPending({ object, names, resolve })),
    [],
  );
  const close = (confirmed) => {
    pending.resolve(confirmed);
    setPending(null);
  };
  return (
    <ConfirmContext.Provider value={confirm}>
      {children}
      {pending && <ConfirmDialog {...pending} onClose={close} />}
    </ConfirmContext.Provider>
  );
}

function ConfirmDialog({ object, names, onClose }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return (
    <dialog ref={dialog} className="confirm" aria-labelledby="confirm-title" aria-describedby="confirm-text"
      onClose={() => onClose(dialog.current.returnValue === "yes")}>
      <form method="dialog">
        <h2 id="confirm-title"><SlackText text={object.title} names={names} /></h2>
        <p id="confirm-text"><SlackText text={object.text} names={names} /></p>
        <menu>
          <li><button className="button" value="no"><SlackText text={object.deny} names={names} /></button></li>
          <li><button className={`button ${object.style ?? "primary"}`} value="yes">
            <SlackText text={object.confirm} names={names} /></button></li>
        </menu>
      </form>
    </dialog>
  );
}
