// The page whole: who one is, where one looks, and the other half beside it.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";

import { Backstage } from "./Backstage.jsx";
import { ConfirmProvider } from "./Confirm.jsx";
import { Conversation } from "./Conversation.jsx";
import { Guide, useGuide } from "./Guide.jsx";
import { act, useSnapshot } from "./live.js";
import { Modal } from "./Modal.jsx";
import { Rail } from "./Rail.jsx";
import { messageKey, namesIn, person, placesOf, playable, seenBy } from "./seen.js";
import { Sidebar } from "./Sidebar.jsx";
import { useTheme } from "./theme.js";

export function Page() {
  const [snapshot, silence] = useSnapshot();
  const [theme, chooseTheme] = useTheme();
  const guide = useGuide();
  if (snapshot === null) return <p className="waiting" role="status">{silence ?? "Opening the sandbox…"}</p>;
  return (
    <ConfirmProvider>
      <Banner theme={theme} chooseTheme={chooseTheme} guide={guide} />
      {(silence ?? snapshot.trouble) && <p className="alarm" role="alert">{silence ?? snapshot.trouble}</p>}
      <Playing key={snapshot.play} snapshot={snapshot} theme={theme} guide={guide} />
    </ConfirmProvider>
  );
}

function Banner({ theme, chooseTheme, guide }) {
  const [busy, setBusy] = useState(false);
  const other = theme === "dark" ? "light" : "dark";
  const beginAnew = async () => {
    setBusy(true);
    await act("reset");
    setBusy(false);
  };
  return (
    <header className="banner">
      <h1>Sandbox</h1>
      <p>Stand-ins for Slack and Genesys Cloud on this machine. <b>Nobody is really logged out.</b></p>
      <button type="button" onClick={guide.open} aria-expanded={guide.shown}>First steps</button>
      <button type="button" onClick={() => chooseTheme(other)}>{other === "dark" ? "Dark" : "Light"}</button>
      <button type="button" aria-disabled={busy} onClick={() => busy || beginAnew()}>{busy ? "Beginning…" : "Begin anew"}</button>
    </header>
  );
}

// Everything that is forgotten when the sandbox begins anew.
function Playing({ snapshot, theme, guide }) {
  const [me, setMe] = useState(playable(snapshot)[0].id);
  const [places, setPlaces] = useState({}); // where each person looks
  const [draft, setDraft] = useState("");
  const [problem, setProblem] = useState(null);
  const mine = placesOf(snapshot, me);
  const open = [...mine.rooms, mine.direct].some((room) => room?.id === places[me]) || places[me] === "home"
    ? places[me]
    : (mine.rooms[0] ?? mine.direct).id;
  const read = useRead(snapshot, me, open);
  const names = useMemo(() => namesIn(snapshot), [JSON.stringify(namesIn(snapshot))]);

  const become = (id) => {
    setMe(id);
    setDraft("");
    setProblem(null);
  };
  const go = (place) => {
    setPlaces((all) => ({ ...all, [me]: place }));
    setProblem(null);
    if (place === "home") act("home", { user: me }).then(setProblem);
  };
  const does = async (name, what) => {
    const found = await act(name, what);
    setProblem(found);
    return found;
  };
  const suggest = (step) => {
    flushSync(() => { // the line may have been another person's, who cannot type
      become(step.as);
      setPlaces((all) => ({ ...all, [step.as]: step.channel }));
      setDraft(step.line);
    });
    document.getElementById("message")?.focus();
  };

  const shared = { snapshot, me, names, theme, does };
  const modals = snapshot.views[me]?.modals ?? [];
  return (
    <div className="rooms" data-play={snapshot.play}>
      <Rail snapshot={snapshot} me={me} read={read} become={become} />
      <Sidebar snapshot={snapshot} me={me} open={open} read={read} go={go} />
      <main aria-label={`What ${person(snapshot, me).real_name} sees in Slack`}>
        {guide.shown && <Guide snapshot={snapshot} suggest={suggest} close={guide.close} />}
        <Conversation {...shared} open={open} read={read} go={go} draft={draft} setDraft={setDraft} problem={problem} />
      </main>
      <Backstage snapshot={snapshot} does={does} />
      {modals.length > 0 && <Modal key={modals.at(-1).hash} view={modals.at(-1)} {...shared} problem={problem} />}
    </div>
  );
}

// What has been on whose screen: "person/place:version".
function useRead(snapshot, me, open) {
  const seen = useRef(new Set());
  const [read, setRead] = useState(seen.current);
  const look = useCallback(() => {
    const before = seen.current.size;
    const room = open === "home" ? null : open;
    for (const message of seenBy(snapshot, me)) {
      if (message.channel === room) seen.current.add(`${me}/${messageKey(message)}`);
    }
    if (seen.current.size !== before) setRead(new Set(seen.current));
  }, [snapshot, me, open]);
  useEffect(look, [look]);
  return read;
}
