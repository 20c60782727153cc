// Values derived from a snapshot: who sees which message, and names by id.

export const findPerson = (snapshot, id) => snapshot.people.find((person) => person.id === id);
export const playablePeople = (snapshot) => snapshot.people.filter((person) => person.playable);
export const initials = (name) => name.split(" ").map((word) => word[0]).slice(0, 2).join("");
export const messageKey = (message) => `${message.index}:${message.version}`;
export const readKey = (id, message) => `${id}/${messageKey(message)}`;
export const clockTime = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en", { hourCycle: "h23" });
export const publicChannels = (snapshot) => snapshot.channels.filter((channel) => !channel.dm_with);

export function visibleMessages(snapshot, id) {
  const channels = Object.fromEntries(snapshot.channels.map((channel) => [channel.id, channel]));
  return snapshot.messages.filter((message) => !message.deleted
    && (message.only_for === null ? channels[message.channel].members.includes(id) : message.only_for === id));
}

// Messages of one channel: those of the channel itself, and the replies by the ts of the message that has the thread.
export function inThreads(messages) {
  const timestamps = new Set(messages.map((message) => message.ts));
  const isReply = ({ ts, thread_ts }) => thread_ts !== null && thread_ts !== ts && timestamps.has(thread_ts);
  return { roots: messages.filter((one) => !isReply(one)), replies: Object.groupBy(messages.filter(isReply), (one) => one.thread_ts) };
}

// The channel and ts of the message that a permalink leads to; null for another link.
export function readPermalink(href) {
  const found = href.match(/\.slack\.com\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?|$)/);
  if (!found) return null;
  const [, channel, seconds, fraction] = found;
  return { channel, ts: `${seconds}.${fraction}` };
}

// The person's channels, and the direct messages with the app. An ephemeral message may be in a channel that the person
// is not a member of; that channel is listed as long as the message is visible.
export function channelsOf(snapshot, id) {
  const visible = new Set(visibleMessages(snapshot, id).map((message) => message.channel));
  const isListed = (channel) => channel.members.includes(id) || visible.has(channel.id);
  return {
    channels: publicChannels(snapshot).filter(isListed),
    direct: snapshot.channels.find((channel) => channel.dm_with === id),
  };
}

export function namesById(snapshot) {
  return {
    people: Object.fromEntries(snapshot.people.map((person) => [person.id, person.name])),
    channels: Object.fromEntries(snapshot.channels.map((channel) => [channel.id, channel.name])),
    groups: snapshot.groups,
  };
}

// Number of unread messages by channel. A person's own messages are never unread.
export function unreadCounts(snapshot, id, read) {
  const unread = visibleMessages(snapshot, id)
    .filter((message) => message.author !== id && !read.has(readKey(id, message)));
  return unread.reduce((counts, { channel }) => ({ ...counts, [channel]: (counts[channel] ?? 0) + 1 }), {});
}
