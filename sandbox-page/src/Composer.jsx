// The message input. It suggests commands and shortcuts after "/", and people after "@".

import { useRef, useState } from "react";
import { flushSync } from "react-dom";

import { Icon } from "./Icon.jsx";
import { findPerson, initials } from "./selectors.js";

const COMMAND = "/purecloud";

export function Composer({ snapshot, me, channel, draft, setDraft, post }) {
  const input = useRef(null);
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(null);
  const [dismissed, setDismissed] = useState(null); // the draft whose suggestions the user closed
  const disabledBecause = reasonForDisabling(snapshot, me, channel);
  const disabled = disabledBecause !== null;
  const name = channel.dm_with ? "PureCloud" : `#${channel.name}`;
  const suggestions = disabled || dismissed === draft ? [] : suggest(snapshot, me, draft, caret);
  const selected = active ?? (suggestions[0]?.mention ? 0 : -1);

  const onChange = (event) => {
    setDraft(event.target.value);
    setCaret(event.target.selectionStart);
    setActive(null);
  };
  const accept = (suggestion) => {
    input.current.focus();
    if (suggestion.shortcut) {
      setDraft("");
      setActive(null);
      post("run-shortcut", { user: me, callback_id: suggestion.shortcut });
      return;
    }
    setDraft(suggestion.text);
    setCaret(suggestion.text.length);
    setActive(null);
    setDismissed(suggestion.mention ? null : suggestion.text);
  };
  const send = async () => {
    if (!draft.trim()) return;
    setDraft("");
    setActive(null);
    const problem = await post("send-message", { user: me, channel: channel.id, text: draft });
    if (problem) setDraft((next) => next || draft); // keep the text, so that the user can correct it
  };
  const insert = (character) => {
    const text = character === "/" ? character : `${draft}${draft && !draft.endsWith(" ") ? " " : ""}${character}`;
    flushSync(() => setDraft(text));
    setCaret(text.length);
    setDismissed(null);
    input.current.focus();
  };
  const onKeyDown = (event) => {
    if (event.nativeEvent.isComposing) return; // with an input method, Enter accepts a word
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (suggestions.length && step) {
      event.preventDefault();
      setActive((Math.max(selected, step < 0 ? 0 : -1) + step + suggestions.length) % suggestions.length);
    } else if (suggestions.length && event.key === "Escape") {
      setDismissed(draft);
    } else if (suggestions.length && event.key === "Tab" && !event.shiftKey) {
      event.preventDefault();
      accept(suggestions[Math.max(selected, 0)]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (suggestions[selected]) accept(suggestions[selected]);
      else send();
    }
  };

  return (
    <form className="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
      {suggestions.length > 0 && <Suggestions suggestions={suggestions} selected={selected} accept={accept} />}
      <button type="button" className="insert" disabled={disabled} onClick={() => insert("/")} aria-label="Commands"
        title="Commands">/</button>
      <button type="button" className="insert" disabled={disabled} onClick={() => insert("@")} aria-label="Mention a person"
        title="Mention a person">@</button>
      <input id="message" ref={input} value={draft} onChange={onChange} onKeyDown={onKeyDown} disabled={disabled} autoComplete="off"
        spellCheck={false} onSelect={(event) => setCaret(event.target.selectionStart)}
        placeholder={disabledBecause ?? `Message ${name}`}
        aria-label={`Message to ${name}`} role="combobox" aria-expanded={suggestions.length > 0} aria-autocomplete="list"
        aria-controls={suggestions.length ? "suggestions" : undefined}
        aria-activedescendant={suggestions[selected] ? `suggestion-${selected}` : undefined} />
      <button className="send" disabled={disabled || !draft.trim()} aria-label="Send" title="Send"><Icon name="send" /></button>
    </form>
  );
}

function reasonForDisabling(snapshot, me, channel) {
  if (!findPerson(snapshot, me).can_type) return "External users cannot use commands";
  if (channel.dm_with && snapshot.messages_tab_read_only) return "Sending messages to this app has been turned off.";
  return null;
}

function Suggestions({ suggestions, selected, accept }) {
  return (
    <ul id="suggestions" role="listbox" aria-label="Suggestions" className="suggestions">
      {suggestions.map((one, index) => (
        <li key={one.text} id={`suggestion-${index}`} role="option" aria-selected={index === selected}
          ref={index === selected ? scrollIntoView : undefined}
          onMouseDown={(event) => { event.preventDefault(); accept(one); }}>
          {one.face && <span className="face" data-person={one.face.name} aria-hidden="true">{initials(one.face.real_name)}</span>}
          <b>{one.title}</b> <small>{one.about}</small>
        </li>
      ))}
    </ul>
  );
}

const scrollIntoView = (option) => option?.scrollIntoView({ block: "nearest" });

function suggest(snapshot, me, draft, caret) {
  const typed = draft.slice(0, caret).match(/(?:^|\s)@([\w.-]*)$/);
  if (typed && caret === draft.length) {
    return suggestMentions(snapshot, me, draft.slice(0, caret - typed[1].length - 1), typed[1]);
  }
  if (!draft.startsWith("/")) return [];
  const commands = Object.entries(snapshot.examples)
    .map(([example, about]) => [`${COMMAND} ${example}`, about])
    .filter(([line]) => line.startsWith(draft.toLowerCase()) && line !== draft)
    .map(([line, about]) => ({ text: line, title: line, about }));
  const shortcuts = snapshot.shortcuts
    .filter(({ type, name }) => type === "global" && name.toLowerCase().startsWith(draft.slice(1).toLowerCase()))
    .map(({ callback_id, name }) => ({ text: callback_id, title: name, about: "shortcut", shortcut: callback_id }));
  return [...commands, ...shortcuts];
}

// Match the handle or any part of the name. Colleagues come first, then oneself, bots and groups.
function suggestMentions(snapshot, me, before, typed) {
  const rank = (person) => (person.playable ? 0 : 2) + (person.id === me ? 1 : 0);
  const people = snapshot.people.filter((person) => !person.deleted).sort((one, other) => rank(one) - rank(other))
    .map((person) => ({ handle: person.name, about: `${person.real_name}${person.role && ` · ${person.role}`}`, face: person }));
  const groups = Object.values(snapshot.groups).map((handle) => ({ handle, about: "user group" }));
  const prefix = typed.toLowerCase();
  const matches = ({ handle, face }) => [handle, ...(face?.real_name.split(" ") ?? [])]
    .some((word) => word.toLowerCase().startsWith(prefix));
  return [...people, ...groups]
    .filter((one) => matches(one) && one.handle !== typed)
    .map(({ handle, about, face }) => ({ text: `${before}@${handle} `, title: `@${handle}`, about, face, mention: true }));
}
