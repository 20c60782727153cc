// A modal of the app's, as a native dialog.

import { useEffect, useRef, useState } from "react";

import { Blocks } from "./BlockKit.jsx";
import { initialState } from "./Control.jsx";
import { Words } from "./mrkdwn.jsx";
import { playable } from "./seen.js";

export function Modal({ view, snapshot, names, theme, does, problem }) {
  const dialog = useRef(null);
  const [values, setValues] = useState(() => before(view));
  useEffect(() => dialog.current.showModal(), []);
  const fill = (element, block, chosen) => setValues((all) => ({
    ...all, [block.block_id]: { [element.action_id]: { type: element.type, ...chosen } },
  }));
  const use = (element, block, selected) => does("press", {
    view: view.id, action_id: element.action_id, block_id: block.block_id, selected, values,
  });
  const close = () => does("close", { view: view.id });
  const submit = (event) => {
    event.preventDefault();
    does("submit", { view: view.id, values });
  };
  return (
    <dialog ref={dialog} className="modal" aria-labelledby="modal-title"
      onCancel={(event) => { event.preventDefault(); close(); }}>
      <form onSubmit={submit}>
        <h2 id="modal-title"><Words text={view.title} names={names} /></h2>
        <div className="modal-body">
          <Blocks blocks={view.blocks} errors={view.errors} names={names} people={playable(snapshot)}
            rooms={snapshot.channels.filter((room) => !room.dm_with)} theme={theme} use={use} fill={fill} />
        </div>
        <p className="problem" role="alert">{problem}</p>
        <menu>
          <li><button type="button" className="press" onClick={close}>
            {view.close ? <Words text={view.close} names={names} /> : "Close"}</button></li>
          {view.submit && <li><button className="press primary"><Words text={view.submit} names={names} /></button></li>}
        </menu>
      </form>
    </dialog>
  );
}

function before(view) {
  const fields = view.blocks.filter((block) => block.type === "input");
  return Object.fromEntries(fields.map(({ block_id, element }) => [
    block_id, { [element.action_id]: { type: element.type, ...initialState(element) } },
  ]));
}
