// Where one types: /purecloud is suggested after "/", people after "@".

import { useRef, useState } from "react";
import { flushSync } from "react-dom";

import { Icon } from "./Icon.jsx";
import { initials, person } from "./seen.js";

const COMMAND = "/purecloud";

export function Composer({ snapshot, me, room, draft, setDraft, does }) {
  const input = useRef(null);
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(null);
  const [dismissed, setDismissed] = useState(null); // the draft whose suggestions somebody closed
  const mute = !person(snapshot, me).can_type;
  const name = room.dm_with ? "PureCloud" : `#${room.name}`;
  const offered = mute || dismissed === draft ? [] : suggestions(snapshot, me, draft, caret);
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
  const send = async () => {
    if (!draft.trim()) return;
    setDraft("");
    setActive(null);
    const problem = await does("say", { user: me, channel: room.id, text: draft });
    if (problem) setDraft((begun) => begun || draft); // what could not be sent is still there to be corrected
  };
  const begin = (sign) => {
    const text = sign === "/" ? sign : `${draft}${draft && !draft.endsWith(" ") ? " " : ""}${sign}`;
    flushSync(() => setDraft(text));
    setCaret(text.length);
    setDismissed(null);
    input.current.focus();
  };
  const keys = (event) => {
    if (event.nativeEvent.isComposing) return; // Enter ends a word that is being put together, as in Japanese
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
              ref={place === at ? shown : undefined} onMouseDown={(event) => { event.preventDefault(); pick(one); }}>
              {one.face && <span className="face" data-person={one.face.name} aria-hidden="true">{initials(one.face.real_name)}</span>}
              <b>{one.title}</b> <small>{one.about}</small>
            </li>
          ))}
        </ul>
      )}
      <button type="button" className="sign" disabled={mute} onClick={() => begin("/")} aria-label="Commands"
        title="Commands">/</button>
      <button type="button" className="sign" disabled={mute} onClick={() => begin("@")} aria-label="Mention somebody"
        title="Mention somebody">@</button>
      <input id="message" ref={input} value={draft} onChange={type} onKeyDown={keys} disabled={mute} autoComplete="off"
        spellCheck={false} onSelect={(event) => setCaret(event.target.selectionStart)}
        placeholder={mute ? "No commands for outsiders" : `Message ${name}`}
        aria-label={`Message to ${name}`} role="combobox" aria-expanded={offered.length > 0} aria-autocomplete="list"
        aria-controls={offered.length ? "suggestions" : undefined}
        aria-activedescendant={offered[at] ? `suggestion-${at}` : undefined} />
      <button className="send" disabled={mute || !draft.trim()} aria-label="Send" title="Send"><Icon name="send" /></button>
    </form>
  );
}

// The one that the arrows reached, where the list is longer than what is seen of it.
const shown = (option) => option?.scrollIntoView({ block: "nearest" });

function suggestions(snapshot, me, draft, caret) {
  const word = draft.slice(0, caret).match(/(?:^|\s)@([\w.-]*)$/);
  if (word && caret === draft.length) return mentions(snapshot, me, draft.slice(0, caret - word[1].length - 1), word[1]);
  if (!draft.startsWith("/")) return [];
  return Object.entries(snapshot.examples)
    .map(([example, about]) => [`${COMMAND} ${example}`, about])
    .filter(([line]) => line.startsWith(draft.toLowerCase()) && line !== draft)
    .map(([line, about]) => ({ text: line, title: line, about }));
}

// Found by handle or by any part of the name; colleagues first, then oneself, bots and groups.
function mentions(snapshot, me, before, begun) {
  const rank = (one) => (one.playable ? 0 : 2) + (one.id === me ? 1 : 0);
  const people = snapshot.people.filter((one) => !one.deleted).sort((one, other) => rank(one) - rank(other))
    .map((one) => ({ handle: one.name, about: `${one.real_name}${one.role && ` · ${one.role}`}`, face: one }));
  const groups = Object.values(snapshot.groups).map((handle) => ({ handle, about: "user group" }));
  const wanted = begun.toLowerCase();
  const begins = ({ handle, face }) => [handle, ...(face?.real_name.split(" ") ?? [])]
    .some((word) => word.toLowerCase().startsWith(wanted));
  return [...people, ...groups]
    .filter((one) => begins(one) && one.handle !== begun)
    .map(({ handle, about, face }) => ({ text: `${before}@${handle} `, title: `@${handle}`, about, face, mention: true }));
}
