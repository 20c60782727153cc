// Block Kit. slack-blocks-to-jsx renders blocks that are only read. Interactive elements are controls of this page, because
// the library's have no events. This page also renders every text object, because the library reads markup in plain_text,
// where the app relies on it being shown as typed.

import { Component, useMemo } from "react";
import { Message as LibraryMessage } from "slack-blocks-to-jsx";

import { CONTROLS, Control } from "./Control.jsx";
import { Mention, SlackText } from "./SlackText.jsx";
import { Unsupported } from "./Unsupported.jsx";

const LIBRARY_BLOCKS = new Set([
  "section", "divider", "image", "context", "header", "rich_text", "video", "table", "markdown", "alert", "card",
  "carousel", "container", "plan", "task_card", "data_visualization",
]);
const PLACEHOLDER = "text-";

// `onAction(element, block, chosen)` for interactive elements; `onInput(element, block, chosen)` for a modal's fields.
export function Blocks({ blocks, names, people, channels, theme, onAction, onInput, errors = {} }) {
  const shared = { names, people, channels, theme };
  return blocks.map((block, index) => (
    <ErrorBoundary key={block.block_id ?? index} block={block}>
      <Block block={block} {...shared} onAction={onAction} onInput={onInput} error={errors[block.block_id]} />
    </ErrorBoundary>
  ));
}

function Block({ block, onAction, onInput, error, ...shared }) {
  if (block.type === "actions") {
    return (
      <div className="actions">
        {block.elements.map((element) => (
          <Control key={element.action_id} element={element} {...shared} onUse={(chosen) => onAction(element, block, chosen)} />
        ))}
      </div>
    );
  }
  if (block.type === "input" && onInput) return <Field block={block} onInput={onInput} error={error} {...shared} />;
  if (block.type === "section" && block.accessory && block.accessory.type !== "image") {
    const { accessory, ...rest } = block;
    return (
      <div className="with-accessory">
        <LibraryBlock block={rest} {...shared} />
        <Control element={accessory} {...shared} onUse={(chosen) => onAction(accessory, block, chosen)} />
      </div>
    );
  }
  return LIBRARY_BLOCKS.has(block.type) ? <LibraryBlock block={block} {...shared} /> : <Unsupported part={block} />;
}

function Field({ block, onInput, error, ...shared }) {
  const id = `field-${block.block_id}`;
  if (!CONTROLS.has(block.element.type)) return <Unsupported part={block} />;
  return (
    <div className="field">
      <label id={`${id}-label`} htmlFor={id}>
        <SlackText text={block.label} names={shared.names} />{block.optional && <small> (optional)</small>}
      </label>
      <Control id={id} element={block.element} {...shared} required={!block.optional}
        onUse={(chosen) => onInput(block.element, block, chosen)} />
      {block.hint && <small className="hint"><SlackText text={block.hint} names={shared.names} /></small>}
      {error && <p className="field-error" role="alert">{error}</p>}
    </div>
  );
}

function LibraryBlock({ block, names, theme }) {
  const [blocks, hooks, data] = useMemo(() => {
    const texts = [];
    const withPlaceholders = replaceTexts(block, texts);
    const user = ({ id }) => (id.startsWith(PLACEHOLDER)
      ? <SlackText text={texts[Number(id.slice(PLACEHOLDER.length))]} names={names} />
      : <Mention>@{names.people[id] ?? id}</Mention>);
    return [[withPlaceholders], { user }, libraryData(names)];
  }, [block, names]);
  return <LibraryMessage blocks={blocks} hooks={hooks} data={data} theme={theme} withoutWrapper name="" logo="" />;
}

// Elements of rich text that look the same as in mrkdwn.
const RICH_TEXT_MARKUP = {
  channel: ({ channel_id }) => channel_id && `<#${channel_id}>`,
  usergroup: ({ usergroup_id }) => `<!subteam^${usergroup_id}>`,
  date: ({ timestamp, format, fallback }) => `<!date^${timestamp}^${format}|${fallback ?? ""}>`,
};

// Replace each text object by a mention of its number in `texts`, so that the hook for mentions renders the text.
// The library does not read mentions in verbatim texts.
function replaceTexts(part, texts) {
  if (Array.isArray(part)) return part.map((one) => replaceTexts(one, texts));
  if (part === null || typeof part !== "object") return part;
  if (["plain_text", "mrkdwn", "raw_text"].includes(part.type) && typeof part.text === "string") {
    texts.push(part);
    return { ...part, verbatim: false, text: `<@${PLACEHOLDER}${texts.length - 1}>` };
  }
  const markup = RICH_TEXT_MARKUP[part.type]?.(part);
  if (markup) {
    texts.push({ type: "mrkdwn", text: markup });
    return { type: "user", user_id: `${PLACEHOLDER}${texts.length - 1}` };
  }
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, replaceTexts(value, texts)]));
}

function libraryData({ people, channels, groups }) {
  const rows = (record) => Object.entries(record).map(([id, name]) => ({ id, name }));
  return { users: rows(people), channels: rows(channels), user_groups: rows(groups) };
}

// Shows a block as JSON if rendering it throws.
class ErrorBoundary extends Component {
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  render() {
    return this.state.failed ? <Unsupported part={this.props.block} /> : this.props.children;
  }
}
