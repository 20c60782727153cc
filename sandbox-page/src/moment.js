// A moment of the sandbox as the fragment of its address, so that a link or a reload reproduces it:
// `#as=ben&room=approvals&do=revoke+@tom&fault=503`.

import { channelsOf, playablePeople } from "./selectors.js";

const COMMAND = "/purecloud ";

// `me` is a person's id, `open` the id of a conversation or "home". What the sandbox does not know is left out.
export function readMoment(snapshot, fragment) {
  const wanted = new URLSearchParams(fragment.replace(/^#/, ""));
  const me = playablePeople(snapshot).find((person) => person.name === wanted.get("as"))?.id;
  const fault = snapshot.faults.choices.find((choice) => choice.name === wanted.get("fault"))?.name;
  const draft = wanted.has("do") ? COMMAND + wanted.get("do") : wanted.get("say") ?? "";
  return { me, open: me && roomId(snapshot, me, wanted.get("room")), draft, fault };
}

export function writeMoment(snapshot, { me, open, draft }) {
  const fields = { as: playablePeople(snapshot).find((person) => person.id === me).name, room: roomName(snapshot, open) };
  if (draft.startsWith(COMMAND)) fields.do = draft.slice(COMMAND.length);
  else if (draft) fields.say = draft;
  if (snapshot.faults.genesys) fields.fault = snapshot.faults.genesys;
  return `#${new URLSearchParams(fields)}`.replaceAll("%40", "@");
}

function roomId(snapshot, me, name) {
  if (name === "home") return name;
  const { channels, direct } = channelsOf(snapshot, me);
  return name === "direct" ? direct.id : channels.find((channel) => channel.name === name)?.id;
}

function roomName(snapshot, open) {
  if (open === "home") return open;
  const channel = snapshot.channels.find((one) => one.id === open);
  return channel.dm_with ? "direct" : channel.name;
}
