// A modal of the app, as a native dialog.

import { useEffect, useRef, useState } from "react";

import { Blocks } from "./BlockKit.jsx";
import { initialState } from "./Control.jsx";
import { playablePeople, publicChannels } from "./selectors.js";
import { SlackText } from "./SlackText.jsx";

export function Modal({ view, snapshot, names, theme, post, problem }) {
  const dialog = useRef(null);
  const [values, setValues] = useState(() => initialValues(view));
  useEffect(() => dialog.current.showModal(), []);
  const setField = (element, block, chosen) => setValues((all) => ({
    ...all, [block.block_id]: { [element.action_id]: { type: element.type, ...chosen } },
  }));
  const act = (element, block, selected) => post("click-in-view", {
    view: view.id, action_id: element.action_id, block_id: block.block_id, selected, values,
  });
  const close = () => post("close-view", { view: view.id });
  const submit = (event) => {
    event.preventDefault();
    post("submit-view", { view: view.id, values });
  };
  return (
    <dialog ref={dialog} className="modal" aria-labelledby="modal-title"
      onCancel={(event) => { event.preventDefault(); close(); }}>
      <form onSubmit={submit}>
        <h2 id="modal-title"><SlackText text={view.title} names={names} /></h2>
        <div className="modal-body">
          <Blocks blocks={view.blocks} errors={view.errors} names={names} people={playablePeople(snapshot)}
            channels={publicChannels(snapshot)} theme={theme} onAction={act} onInput={setField} />
        </div>
        <p className="problem" role="alert">{problem}</p>
        <menu>
          <li><button type="button" className="button" onClick={close}>
            {view.close ? <SlackText text={view.close} names={names} /> : "Close"}</button></li>
          {view.submit && <li><button className="button primary"><SlackText text={view.submit} names={names} /></button></li>}
        </menu>
      </form>
    </dialog>
  );
}

function initialValues(view) {
  const inputs = view.blocks.filter((block) => block.type === "input");
  return Object.fromEntries(inputs.map(({ block_id, element }) => [
    block_id, { [element.action_id]: { type: element.type, ...initialState(element) } },
  ]));
}
