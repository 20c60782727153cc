// Block Kit on the screen. slack-blocks-to-jsx draws what is read; what is pressed or filled in is a control of our own,
// because the library's tell nobody; and every text object is ours, because the library reads markup in plain_text too,
// where the app put people's words so that they stay harmless.

import { Component, useMemo } from "react";
import { Message as Drawing } from "slack-blocks-to-jsx";

import { CONTROLS, Control } from "./Control.jsx";
import { Mention, Words } from "./mrkdwn.jsx";
import { Unknown } from "./Unknown.jsx";

const DRAWN = new Set([
  "section", "divider", "image", "context", "header", "rich_text", "video", "table", "markdown", "alert", "card",
  "carousel", "container", "plan", "task_card", "data_visualization",
]);
const SEAM = "words-";

// `use(element, block, chosen)` for what is pressed; `fill(element, block, chosen)` for a field of a modal.
export function Blocks({ blocks, names, people, rooms, theme, use, fill, errors = {} }) {
  const shared = { names, people, rooms, theme };
  return blocks.map((block, place) => (
    <Sturdy key={block.block_id ?? place} block={block}>
      <Block block={block} {...shared} use={use} fill={fill} error={errors[block.block_id]} />
    </Sturdy>
  ));
}

function Block({ block, use, fill, error, ...shared }) {
  if (block.type === "actions") {
    return (
      <div className="actions">
        {block.elements.map((element) => (
          <Control key={element.action_id} element={element} {...shared} onUse={(chosen) => use(element, block, chosen)} />
        ))}
      </div>
    );
  }
  if (block.type === "input" && fill) return <Field block={block} fill={fill} error={error} {...shared} />;
  if (block.type === "section" && block.accessory && block.accessory.type !== "image") {
    const { accessory, ...rest } = block;
    return (
      <div className="with-accessory">
        <Drawn block={rest} {...shared} />
        <Control element={accessory} {...shared} onUse={(chosen) => use(accessory, block, chosen)} />
      </div>
    );
  }
  return DRAWN.has(block.type) ? <Drawn block={block} {...shared} /> : <Unknown part={block} />;
}

function Field({ block, fill, error, ...shared }) {
  const id = `field-${block.block_id}`;
  if (!CONTROLS.has(block.element.type)) return <Unknown part={block} />;
  return (
    <div className="field">
      <label id={`${id}-label`} htmlFor={id}>
        <Words text={block.label} names={shared.names} />{block.optional && <small> (optional)</small>}
      </label>
      <Control id={id} element={block.element} {...shared} required={!block.optional}
        onUse={(chosen) => fill(block.element, block, chosen)} />
      {block.hint && <small className="hint"><Words text={block.hint} names={shared.names} /></small>}
      {error && <p className="wrong" role="alert">{error}</p>}
    </div>
  );
}

function Drawn({ block, names, theme }) {
  const [shown, hooks, data] = useMemo(() => {
    const texts = [];
    const withSeams = seamed(block, texts);
    const user = ({ id }) => (id.startsWith(SEAM)
      ? <Words text={texts[Number(id.slice(SEAM.length))]} names={names} />
      : <Mention>@{names.people[id] ?? id}</Mention>);
    return [[withSeams], { user }, listed(names)];
  }, [block, names]);
  return <Drawing blocks={shown} hooks={hooks} data={data} theme={theme} withoutWrapper name="" logo="" />;
}

// Put a mention of a text's number in place of every text object; the hook for mentions then writes the text.
function seamed(part, texts) {
  if (Array.isArray(part)) return part.map((one) => seamed(one, texts));
  if (part === null || typeof part !== "object") return part;
  if (["plain_text", "mrkdwn", "raw_text"].includes(part.type) && typeof part.text === "string") {
    texts.push(part);
    return { ...part, text: `<@${SEAM}${texts.length - 1}>` };
  }
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, seamed(value, texts)]));
}

function listed({ people, channels, groups }) {
  const rows = (record) => Object.entries(record).map(([id, name]) => ({ id, name }));
  return { users: rows(people), channels: rows(channels), user_groups: rows(groups) };
}

// What the drawing stumbles over is shown as what it is.
class Sturdy extends Component {
  state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  render() {
    return this.state.broken ? <Unknown part={this.props.block} /> : this.props.children;
  }
}
