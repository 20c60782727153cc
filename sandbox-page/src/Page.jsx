// The whole page: banner, persona picker, Slack, and the inspector.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";

import { postAction, useSnapshot } from "./api.js";
import { ConfirmProvider } from "./ConfirmDialog.jsx";
import { Conversation } from "./Conversation.jsx";
import { Guide, useGuide } from "./Guide.jsx";
import { Inspector } from "./Inspector.jsx";
import { Modal } from "./Modal.jsx";
import { readMoment, writeMoment } from "./moment.js";
import { PersonaPicker } from "./PersonaPicker.jsx";
import { channelsOf, findPerson, namesById, playablePeople, readKey, readPermalink, visibleMessages } from "./selectors.js";
import { Sidebar } from "./Sidebar.jsx";
import { dropOtherRuns, useRunState } from "./storage.js";
import { useTheme } from "./theme.js";

export function Page() {
  const [snapshot, connectionProblem] = useSnapshot();
  const [theme, setTheme] = useTheme();
  const guide = useGuide();
  const firstRun = useRef(null);
  if (snapshot === null) return <p className="loading" role="status">{connectionProblem ?? "Loading the sandbox…"}</p>;
  const problem = connectionProblem ?? snapshot.problem;
  firstRun.current ??= snapshot.run;
  return (
    <ConfirmProvider>
      <Banner theme={theme} setTheme={setTheme} guide={guide} />
      {problem && <p className="alarm" role="alert">{problem}</p>}
      <Run key={snapshot.run} snapshot={snapshot} theme={theme} guide={guide}
        fragment={snapshot.run === firstRun.current ? window.location.hash : ""} />
    </ConfirmProvider>
  );
}

function Banner({ theme, setTheme, guide }) {
  const [busy, setBusy] = useState(false);
  const dark = theme === "dark";
  const reset = async () => {
    setBusy(true);
    await postAction("reset");
    setBusy(false);
  };
  return (
    <header className="banner">
      <h1>Sandbox</h1>
      <p><span className="detail">Slack and Genesys Cloud are fakes on this machine. </span><b>No real user is logged out.</b></p>
      <button type="button" onClick={guide.toggle} aria-expanded={guide.shown}>Incident drill</button>
      <CopyLink />
      <button type="button" aria-pressed={dark} onClick={() => setTheme(dark ? "light" : "dark")}>Dark theme</button>
      <button type="button" aria-disabled={busy} onClick={() => busy || reset()}>{busy ? "Resetting…" : "Reset"}</button>
    </header>
  );
}

// Copies the address, which reproduces the moment.
function CopyLink() {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    const timer = copied && setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => navigator.clipboard.writeText(window.location.href).then(() => setCopied(true));
  return <button type="button" onClick={copy}><span aria-live="polite">{copied ? "Copied" : "Copy link"}</span></button>;
}

// The state of one run; a reset starts over. `fragment` is the moment that it starts with.
function Run({ snapshot, theme, guide, fragment }) {
  const { run } = snapshot;
  useEffect(() => dropOtherRuns(run), [run]);
  const [start] = useState(() => readMoment(snapshot, fragment));
  const [me, setMe] = useState(start.me ?? playablePeople(snapshot)[0].id);
  const [lastOpen, setLastOpen] = useState(start.open ? { [start.me]: start.open } : {}); // each person's conversation
  const [draft, setDraft] = useState(start.draft);
  const [problem, setProblem] = useState(null);
  const [target, setTarget] = useState(null); // where the permalink led that was followed last
  const { channels, direct } = channelsOf(snapshot, me);
  const canOpen = lastOpen[me] === "home" || [...channels, direct].some((channel) => channel?.id === lastOpen[me]);
  const open = canOpen ? lastOpen[me] : (channels[0] ?? direct).id;
  const read = useReadMessages(snapshot, me, open);
  const names = useMemo(() => namesById(snapshot), [JSON.stringify(namesById(snapshot))]);

  const switchTo = (id) => {
    setMe(id);
    setDraft("");
    setProblem(null);
  };
  const goTo = (place) => {
    setLastOpen((all) => ({ ...all, [me]: place }));
    setProblem(null);
    setTarget(null);
    if (place === "home") postAction("open-home", { user: me }).then(setProblem);
  };
  const show = (moment) => {
    const person = moment.me ?? me;
    setMe(person);
    setDraft(moment.draft);
    if (moment.open) setLastOpen((all) => ({ ...all, [person]: moment.open }));
    reproduce(person, moment);
  };
  useEffect(() => reproduce(me, start), []);
  useFragment(writeMoment(snapshot, { me, open, draft }), (changed) => show(readMoment(snapshot, changed)));
  const followPermalink = (event) => {
    const linked = readPermalink(event.target.closest("a")?.href ?? "");
    if (!linked) return;
    event.preventDefault();
    const isLinked = (message) => message.channel === linked.channel && message.ts === linked.ts;
    if (!visibleMessages(snapshot, me).some(isLinked)) {
      setProblem("You can't see that message: it was deleted, or you are not a member of its channel.");
      return;
    }
    goTo(linked.channel);
    setTarget(linked);
  };
  const post = async (name, body) => {
    const found = await postAction(name, body);
    setProblem(found);
    return found;
  };
  const suggest = ({ person, channel, line }) => {
    flushSync(() => { // the composer is disabled for some people, and then cannot take the focus
      switchTo(person);
      setLastOpen((all) => ({ ...all, [person]: channel }));
      setDraft(line);
    });
    document.getElementById("message")?.focus();
  };

  const shared = { snapshot, me, names, theme, post };
  const modals = snapshot.views[me]?.modals ?? [];
  return (
    <div className="layout" data-run={run} onClick={followPermalink}>
      <PersonaPicker snapshot={snapshot} me={me} read={read} switchTo={switchTo} />
      <Sidebar snapshot={snapshot} me={me} open={open} read={read} goTo={goTo} />
      <main aria-label={`Slack, as ${findPerson(snapshot, me).real_name} sees it`}>
        {guide.shown && <Guide snapshot={snapshot} post={post} goTo={suggest} close={guide.close} />}
        <Conversation {...shared} open={open} read={read} target={target} goTo={goTo} draft={draft} setDraft={setDraft} problem={problem} />
      </main>
      <Inspector snapshot={snapshot} me={me} names={names} post={post} />
      {modals.length > 0 && <Modal key={modals.at(-1).hash} view={modals.at(-1)} {...shared} problem={problem} />}
    </div>
  );
}

// Starts what a moment has besides a person, a conversation and a draft.
function reproduce(me, { open, fault }) {
  if (open === "home") postAction("open-home", { user: me });
  if (fault) postAction("genesys-fault", { name: fault });
}

// Keeps the fragment of the address up to date; `show` gets one that the user enters. The event names it, because a
// write that was due may have replaced the address before the browser dispatches the event.
function useFragment(fragment, show) {
  const latest = useRef(show);
  const written = useRef(0);
  latest.current = show;
  useEffect(() => {
    const onHashChange = (event) => latest.current(new URL(event.newURL).hash);
    window.addEventListener("hashchange", onHashChange);
    return () => window.removeEventListener("hashchange", onHashChange);
  }, []);
  useEffect(() => {
    const write = () => {
      written.current = Date.now();
      window.history.replaceState(null, "", fragment);
    };
    const timer = setTimeout(write, Math.max(written.current + WRITE_INTERVAL - Date.now(), 0));
    return () => clearTimeout(timer);
  }, [fragment]);
}

// Milliseconds between two changes of the address. Browsers ignore more than 100 changes in 30 seconds.
const WRITE_INTERVAL = 400;

// Returns the keys of the messages that each person has seen.
function useReadMessages(snapshot, me, open) {
  const [stored, store] = useRunState(snapshot.run, "read", []);
  const keys = useRef(new Set(stored));
  const [read, setRead] = useState(keys.current);
  const markRead = useCallback(() => {
    const before = keys.current.size;
    for (const message of visibleMessages(snapshot, me)) {
      if (message.channel === open) keys.current.add(readKey(me, message));
    }
    if (keys.current.size === before) return;
    setRead(new Set(keys.current));
    store([...keys.current]);
  }, [snapshot, me, open]);
  useEffect(markRead, [markRead]);
  return read;
}
