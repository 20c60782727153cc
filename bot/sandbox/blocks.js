// Draw Block Kit as Slack would, near enough to judge a card by.

import { element, emoji, mention, mrkdwn } from "./mrkdwn.js";

// press(button, block) is called for a click; names as in mrkdwn.js.
export function drawn(blocks, names, press) {
  return blocks.map((block) => (DRAW[block.type] ?? unknown)(block, names, press));
}

export function words(text, names) {
  if (!text) return element("span");
  const inside = text.type === "mrkdwn" ? mrkdwn(text.text, names) : [emoji(text.text)];
  return element("span", { class: text.type === "mrkdwn" ? "mrkdwn" : "plain" }, ...inside);
}

const DRAW = {
  header: (block, names) => element("h3", {}, words(block.text, names)),
  divider: () => element("hr"),
  section(block, names, press) {
    const left = element("div", { class: "said" });
    if (block.text) left.append(words(block.text, names));
    if (block.fields) {
      left.append(element("div", { class: "fields" }, ...block.fields.map((field) => words(field, names))));
    }
    const accessory = block.accessory ? [interactive(block.accessory, block, names, press)] : [];
    return element("div", { class: "section" }, left, ...accessory);
  },
  context: (block, names) =>
    element("div", { class: "context" }, ...block.elements.map((part) =>
      part.type === "image" ? element("span", {}, part.alt_text) : words(part, names))),
  actions: (block, names, press) =>
    element("div", { class: "actions" }, ...block.elements.map((part) => interactive(part, block, names, press))),
  image: (block) => element("p", { class: "image" }, `Picture: ${block.alt_text}`),
  markdown: (block) => element("div", { class: "plain" }, block.text),
  rich_text: (block, names) => element("div", { class: "rich" }, ...block.elements.map((part) => rich(part, names))),
};

function unknown(block) {
  return element("p", { class: "context" }, `A block of type ${block.type}, which this page cannot draw.`);
}

function interactive(part, block, names, press) {
  if (part.type !== "button") return element("span", { class: "context" }, `(${part.type}, not playable here)`);
  const button = element(
    "button",
    { type: "button", class: part.style ?? "", "aria-label": part.accessibility_label },
    words(part.text, names),
  );
  button.addEventListener("click", () => press(part, block, button));
  return button;
}

function rich(part, names) {
  const inside = () => part.elements.map((one) => rich(one, names));
  switch (part.type) {
    case "rich_text_section": return element("div", {}, ...inside());
    case "rich_text_preformatted": return element("pre", {}, ...inside());
    case "rich_text_quote": return element("blockquote", {}, ...inside());
    case "rich_text_list":
      return element(part.style === "ordered" ? "ol" : "ul", {}, ...inside().map((item) => element("li", {}, item)));
    case "user": return mention(`@${names.people[part.user_id] ?? part.user_id}`);
    case "channel": return mention(`#${names.channels[part.channel_id] ?? part.channel_id}`);
    case "usergroup": return mention(`@${names.groups[part.usergroup_id] ?? part.usergroup_id}`);
    case "emoji": return emoji(`:${part.name}:`);
    case "link": return element("a", { href: part.url, target: "_blank", rel: "noreferrer" }, part.text ?? part.url);
    default: return styled(part);
  }
}

function styled(part) {
  const marks = { bold: "strong", italic: "em", strike: "s", code: "code" };
  return Object.entries(marks).reduce(
    (node, [style, name]) => (part.style?.[style] ? element(name, {}, node) : node),
    part.text ?? "",
  );
}
