// Who sees what, and what everything is called; all of it read from one snapshot.

export const person = (snapshot, id) => snapshot.people.find((one) => one.id === id);
export const playable = (snapshot) => snapshot.people.filter((one) => one.playable);
export const initials = (name) => name.split(" ").map((word) => word[0]).slice(0, 2).join("");
export const messageKey = (message) => `${message.place}:${message.version}`;
export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en", { hourCycle: "h23" });

export function seenBy(snapshot, id) {
  const rooms = Object.fromEntries(snapshot.channels.map((room) => [room.id, room]));
  return snapshot.messages.filter((message) => !message.deleted
    && (message.only_for === null ? rooms[message.channel].members.includes(id) : message.only_for === id));
}

// Where somebody is: their channels, then their direct messages with the app. An ephemeral answer may stand in a
// channel whose member they are not; it is listed while it does.
export function placesOf(snapshot, id) {
  const told = new Set(seenBy(snapshot, id).map((message) => message.channel));
  const rooms = snapshot.channels.filter((room) => !room.dm_with && (room.members.includes(id) || told.has(room.id)));
  const direct = snapshot.channels.find((room) => room.dm_with === id);
  return { rooms, direct };
}

export function namesIn(snapshot) {
  return {
    people: Object.fromEntries(snapshot.people.map((one) => [one.id, one.name])),
    channels: Object.fromEntries(snapshot.channels.map((one) => [one.id, one.name])),
    groups: snapshot.groups,
  };
}

// Keys of messages not yet on somebody's screen, by channel; nobody's own words are news to them.
export function unread(snapshot, id, read) {
  const news = seenBy(snapshot, id).filter((one) => one.author !== id && !read.has(`${id}/${messageKey(one)}`));
  return news.reduce((count, one) => ({ ...count, [one.channel]: (count[one.channel] ?? 0) + 1 }), {});
}
