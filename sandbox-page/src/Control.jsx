// Block Kit's interactive elements, as the browser's own controls. `onUse` gets what was chosen, as an action reports it.

import { useState } from "react";

import { useConfirm } from "./ConfirmDialog.jsx";
import { SlackText } from "./SlackText.jsx";
import { Unsupported } from "./Unsupported.jsx";

const TEXT_INPUTS = { plain_text_input: "text", email_text_input: "email", url_text_input: "url", number_input: "number" };
const PICKERS = {
  datepicker: ["date", "selected_date", "initial_date"],
  timepicker: ["time", "selected_time", "initial_time"],
};
const MENUS = ["static_select", "users_select", "conversations_select", "channels_select", "overflow"];
const MULTI_MENUS = MENUS.slice(0, 4).map((type) => `multi_${type}`);
export const CONTROLS = new Set([
  "button", ...Object.keys(TEXT_INPUTS), ...Object.keys(PICKERS), ...MENUS, ...MULTI_MENUS, "checkboxes", "radio_buttons",
  "file_input",
]);

export function Control(props) {
  const { type } = props.element;
  if (type === "button") return <Button {...props} />;
  if (type in TEXT_INPUTS) return <TextInput {...props} />;
  if (type in PICKERS) return <Picker {...props} />;
  if (MENUS.includes(type) || MULTI_MENUS.includes(type)) return <Menu {...props} />;
  if (type === "checkboxes" || type === "radio_buttons") return <Choices {...props} />;
  if (type === "file_input") return <FileInput {...props} />;
  return <Unsupported part={props.element} />;
}

// Returns a function that asks for confirmation if the element has a `confirm` object, and returns whether it went on.
function useConfirmed({ element, names, onUse }) {
  const confirm = useConfirm();
  return async (chosen) => {
    if (element.confirm && !(await confirm(element.confirm, names))) return false;
    await onUse(chosen);
    return true;
  };
}

// While busy, the button has aria-disabled instead of disabled, because a disabled button loses the focus.
function Button({ element, names, onUse }) {
  const [busy, setBusy] = useState(false);
  const click = useConfirmed({
    element,
    names,
    onUse: async () => {
      setBusy(true);
      await onUse({});
      setBusy(false);
    },
  });
  if (element.url) {
    return (
      <a className={`button ${element.style ?? ""}`} href={element.url} target="_blank" rel="noreferrer"
        aria-label={element.accessibility_label} onClick={() => click()}><SlackText text={element.text} names={names} /></a>
    );
  }
  return (
    <button type="button" className={`button ${element.style ?? ""}`} aria-label={element.accessibility_label}
      aria-disabled={busy} onClick={() => busy || click()}>
      <SlackText text={element.text} names={names} />
    </button>
  );
}

function TextInput({ id, element, required, onUse }) {
  const props = {
    id, required, defaultValue: element.initial_value, placeholder: element.placeholder?.text,
    maxLength: element.max_length, onChange: (event) => onUse({ value: event.target.value }),
  };
  return element.multiline ? <textarea rows={4} {...props} /> : <input type={TEXT_INPUTS[element.type]} {...props} />;
}

// The page reads the file, and the fake Slack stores it when the modal is submitted.
function FileInput({ id, element, required, onUse }) {
  const choose = async ({ target }) => {
    const files = [...target.files].map(async (file) => ({ name: file.name, content: await file.text() }));
    onUse({ files: await Promise.all(files) });
  };
  const types = (element.filetypes ?? []).map((one) => `.${one}`).join(",");
  return <input id={id} type="file" required={required} accept={types} onChange={choose} />;
}

function Picker({ id, element, required, onUse }) {
  const [type, key, initial] = PICKERS[element.type];
  return (
    <input id={id} type={type} required={required} defaultValue={element[initial]} aria-label={id ? undefined : type}
      onChange={(event) => onUse({ [key]: event.target.value })} />
  );
}

function Menu(props) {
  const { id, element, required, people, channels } = props;
  const choose = useConfirmed(props);
  const multiple = element.type.startsWith("multi_");
  const overflow = element.type === "overflow";
  const onChange = async (event) => {
    const menu = event.target;
    const values = [...menu.selectedOptions].map((option) => option.value).filter((value) => value !== "");
    if (!(await choose(selection(element, values, multiple)))) menu.value = "";
  };
  return (
    <select id={id} multiple={multiple} required={required} defaultValue={initialValue(element, multiple)} onChange={onChange}
      aria-label={id ? undefined : element.placeholder?.text ?? (overflow ? "More actions" : "Choose")}>
      {!multiple && <option value="">{element.placeholder?.text ?? (overflow ? "⋯" : "Choose…")}</option>}
      {options(element, people, channels).map(([value, label]) => <option key={value} value={value}>{label}</option>)}
    </select>
  );
}

function options(element, people, channels) {
  if (element.type.includes("users")) return people.map((person) => [person.id, person.real_name]);
  if (/conversations|channels/.test(element.type)) return channels.map((channel) => [channel.id, `#${channel.name}`]);
  return staticOptions(element).map((option) => [option.value, option.text.text]);
}

const staticOptions = (element) => element.options ?? (element.option_groups ?? []).flatMap((group) => group.options);

function initialValue(element, multiple) {
  const one = element.initial_option?.value ?? element.initial_user ?? element.initial_channel ?? element.initial_conversation;
  const several = element.initial_options?.map((option) => option.value) ?? element.initial_users;
  return multiple ? several ?? [] : one ?? "";
}

function selection(element, values, multiple) {
  const kind = element.type.replace("multi_", "").replace("s_select", "");
  if (["user", "conversation", "channel"].includes(kind)) {
    return multiple ? { [`selected_${kind}s`]: values } : { [`selected_${kind}`]: values[0] ?? null };
  }
  const chosen = staticOptions(element).filter((option) => values.includes(option.value));
  return multiple ? { selected_options: chosen } : { selected_option: chosen[0] ?? null };
}

function Choices(props) {
  const { id, element, names } = props;
  const choose = useConfirmed(props);
  const single = element.type === "radio_buttons";
  const initial = (single ? [element.initial_option] : element.initial_options ?? []).map((option) => option?.value);
  const onChange = (event) => {
    const values = [...event.currentTarget.querySelectorAll("input:checked")].map((box) => box.value);
    const chosen = element.options.filter((option) => values.includes(option.value));
    choose(single ? { selected_option: chosen[0] } : { selected_options: chosen });
  };
  return (
    <div id={id} role={single ? "radiogroup" : "group"} className="choices" onChange={onChange}
      aria-labelledby={id && `${id}-label`}>
      {element.options.map((option) => (
        <label key={option.value}>
          <input type={single ? "radio" : "checkbox"} name={element.action_id} value={option.value}
            defaultChecked={initial.includes(option.value)} />
          <span><SlackText text={option.text} names={names} />
            {option.description && <small><SlackText text={option.description} names={names} /></small>}</span>
        </label>
      ))}
    </div>
  );
}

// An untouched field's value, as Slack reports it in a view's state; null for an empty one.
export function initialState(element) {
  const multiple = element.type.startsWith("multi_");
  if (element.type in TEXT_INPUTS) return { value: element.initial_value ?? null };
  if (element.type in PICKERS) return { [PICKERS[element.type][1]]: element[PICKERS[element.type][2]] ?? null };
  if (element.type === "file_input") return { files: [] };
  if (element.type === "checkboxes") return { selected_options: element.initial_options ?? [] };
  if (element.type === "radio_buttons") return { selected_option: element.initial_option ?? null };
  return selection(element, [initialValue(element, multiple)].flat().filter(Boolean), multiple);
}
