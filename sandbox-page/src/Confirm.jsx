// Slack's own question before a click is sent, as a native dialog.

import { createContext, useCallback, useContext, useEffect, useRef, useState } from "react";

import { Words } from "./mrkdwn.jsx";

const Asking = createContext(null);

// `await confirm(confirmObject, names)`: true when the person said yes.
export const useConfirm = () => useContext(Asking);

export function ConfirmProvider({ children }) {
  const [question, setQuestion] = useState(null);
  const ask = useCallback(
    (confirm, names) => new Promise((answer) => setQuestion({ confirm, names, answer })),
    [],
  );
  const close = (said) => {
    question.answer(said);
    setQuestion(null);
  };
  return (
    <Asking.Provider value={ask}>
      {children}
      {question && <Question {...question} onClose={close} />}
    </Asking.Provider>
  );
}

function Question({ confirm, names, onClose }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return (
    <dialog ref={dialog} className="confirm" aria-labelledby="confirm-title" aria-describedby="confirm-text"
      onClose={() => onClose(dialog.current.returnValue === "yes")}>
      <form method="dialog">
        <h2 id="confirm-title"><Words text={confirm.title} names={names} /></h2>
        <p id="confirm-text"><Words text={confirm.text} names={names} /></p>
        <menu>
          <li><button className="press" value="no"><Words text={confirm.deny} names={names} /></button></li>
          <li><button className={`press ${confirm.style ?? "primary"}`} value="yes">
            <Words text={confirm.confirm} names={names} /></button></li>
        </menu>
      </form>
    </dialog>
  );
}
