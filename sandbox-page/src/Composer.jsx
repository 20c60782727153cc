// Where one types: /purecloud is suggested after "/", people after "@".

import { useRef, useState } from "react";

import { person } from "./seen.js";

const COMMAND = "/purecloud";

export function Composer({ snapshot, me, room, draft, setDraft, does }) {
  const input = useRef(null);
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(null);
  const [dismissed, setDismissed] = useState(null); // the draft whose suggestions somebody closed
  const mute = !person(snapshot, me).can_type;
  const name = room.dm_with ? "PureCloud" : `#${room.name}`;
  const offered = mute || dismissed === draft ? [] : suggestions(snapshot, draft, caret);
  const at = active ?? (offered[0]?.mention ? 0 : -1);

  const type = (event) => {
    setDraft(event.target.value);
    setCaret(event.target.selectionStart);
    setActive(null);
  };
  const pick = (one) => {
    setDraft(one.text);
    setCaret(one.text.length);
    setActive(null);
    setDismissed(one.mention ? null : one.text);
    input.current.focus();
  };
  const send = () => {
    if (!draft.trim()) return;
    setDraft("");
    setActive(null);
    does("say", { user: me, channel: room.id, text: draft });
  };
  const keys = (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (offered.length && move) {
      event.preventDefault();
      setActive((Math.max(at, move < 0 ? 0 : -1) + move + offered.length) % offered.length);
    } else if (offered.length && event.key === "Escape") {
      setDismissed(draft);
    } else if (offered.length && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      pick(offered[Math.max(at, 0)]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (offered[at]) pick(offered[at]);
      else send();
    }
  };

  return (
    <form className="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
      {offered.length > 0 && (
        <ul id="suggestions" role="listbox" aria-label="Suggestions" className="suggestions">
          {offered.map((one, place) => (
            <li key={one.text} id={`suggestion-${place}`} role="option" aria-selected={place === at}
              onMouseDown={(event) => { event.preventDefault(); pick(one); }}>
              <b>{one.title}</b> <small>{one.about}</small>
            </li>
          ))}
        </ul>
      )}
      <input id="message" ref={input} value={draft} onChange={type} onKeyDown={keys} disabled={mute} autoComplete="off"
        spellCheck={false} onSelect={(event) => setCaret(event.target.selectionStart)}
        placeholder={mute ? "No commands for people of another workspace" : `Message ${name}, or / for commands`}
        aria-label={`Message to ${name}`} role="combobox" aria-expanded={offered.length > 0} aria-autocomplete="list"
        aria-controls={offered.length ? "suggestions" : undefined}
        aria-activedescendant={offered[at] ? `suggestion-${at}` : undefined} />
      <button className="press primary" disabled={mute || !draft.trim()}>Send</button>
    </form>
  );
}

function suggestions(snapshot, draft, caret) {
  const word = draft.slice(0, caret).match(/(?:^|\s)@([\w.-]*)$/);
  if (word && caret === draft.length) return mentions(snapshot, draft.slice(0, caret - word[1].length - 1), word[1]);
  if (!draft.startsWith("/")) return [];
  return snapshot.examples
    .map((example) => `${COMMAND} ${example}`)
    .filter((line) => line.startsWith(draft.toLowerCase()) && line !== draft)
    .map((line) => ({ text: line, title: line, about: "" }));
}

function mentions(snapshot, before, begun) {
  const people = snapshot.people.filter((one) => !one.deleted)
    .map((one) => ({ handle: one.name, about: one.real_name }));
  const groups = Object.values(snapshot.groups).map((handle) => ({ handle, about: "user group" }));
  return [...people, ...groups]
    .filter(({ handle }) => handle.startsWith(begun.toLowerCase()) && handle !== begun)
    .slice(0, 8)
    .map(({ handle, about }) => ({ text: `${before}@${handle} `, title: `@${handle}`, about, mention: true }));
}
