// What can be pressed, chosen or filled in, as the browser's own controls; `onUse(chosen)` tells it as an action does.

import { useState } from "react";

import { useConfirm } from "./Confirm.jsx";
import { Words } from "./mrkdwn.jsx";
import { Unknown } from "./Unknown.jsx";

const TEXTS = { plain_text_input: "text", email_text_input: "email", url_text_input: "url", number_input: "number" };
const MOMENTS = {
  datepicker: ["date", "selected_date", "initial_date"],
  timepicker: ["time", "selected_time", "initial_time"],
};
const MENUS = ["static_select", "users_select", "conversations_select", "channels_select", "overflow"];
const MANY = MENUS.slice(0, 4).map((kind) => `multi_${kind}`);
export const CONTROLS = new Set([
  "button", ...Object.keys(TEXTS), ...Object.keys(MOMENTS), ...MENUS, ...MANY, "checkboxes", "radio_buttons",
]);

export function Control(props) {
  const { type } = props.element;
  if (type === "button") return <Button {...props} />;
  if (type in TEXTS) return <TextField {...props} />;
  if (type in MOMENTS) return <Moment {...props} />;
  if (MENUS.includes(type) || MANY.includes(type)) return <Menu {...props} />;
  if (type === "checkboxes" || type === "radio_buttons") return <Choices {...props} />;
  return <Unknown part={props.element} />;
}

// Ask first where the app wants that; tell whether it went on.
function useAsked({ element, names, onUse }) {
  const confirm = useConfirm();
  return async (chosen) => {
    if (element.confirm && !(await confirm(element.confirm, names))) return false;
    await onUse(chosen);
    return true;
  };
}

// Busy, not disabled: a disabled button would lose the keyboard's focus.
function Button({ element, names, onUse }) {
  const [busy, setBusy] = useState(false);
  const asked = useAsked({
    element,
    names,
    onUse: async () => {
      setBusy(true);
      await onUse({});
      setBusy(false);
    },
  });
  return (
    <button type="button" className={`press ${element.style ?? ""}`} aria-label={element.accessibility_label}
      aria-disabled={busy} onClick={() => busy || asked()}>
      <Words text={element.text} names={names} />
    </button>
  );
}

function TextField({ id, element, required, onUse }) {
  const given = {
    id, required, defaultValue: element.initial_value, placeholder: element.placeholder?.text,
    maxLength: element.max_length, onChange: (event) => onUse({ value: event.target.value }),
  };
  return element.multiline ? <textarea rows={4} {...given} /> : <input type={TEXTS[element.type]} {...given} />;
}

function Moment({ id, element, required, onUse }) {
  const [kind, key, initial] = MOMENTS[element.type];
  return (
    <input id={id} type={kind} required={required} defaultValue={element[initial]} aria-label={id ? undefined : kind}
      onChange={(event) => onUse({ [key]: event.target.value })} />
  );
}

function Menu(props) {
  const { id, element, required, people, rooms } = props;
  const asked = useAsked(props);
  const many = element.type.startsWith("multi_");
  const offered = offers(element, people, rooms);
  const initial = initially(element, many);
  const choose = async (event) => {
    const menu = event.target;
    const chosen = [...menu.selectedOptions].filter((one) => one.value !== "").map((one) => one.value);
    if (!(await asked(told(element, chosen, many)))) menu.value = "";
  };
  return (
    <select id={id} multiple={many} required={required} defaultValue={initial} onChange={choose}
      aria-label={id ? undefined : element.placeholder?.text ?? (element.type === "overflow" ? "More actions" : "Choose")}>
      {!many && <option value="">{element.placeholder?.text ?? (element.type === "overflow" ? "⋯" : "Choose…")}</option>}
      {offered.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
    </select>
  );
}

function offers(element, people, rooms) {
  if (element.type.includes("users")) return people.map((one) => [one.id, one.real_name]);
  if (/conversations|channels/.test(element.type)) return rooms.map((room) => [room.id, `#${room.name}`]);
  return optionsOf(element).map((option) => [option.value, option.text.text]);
}

const optionsOf = (element) => element.options ?? (element.option_groups ?? []).flatMap((group) => group.options);

function initially(element, many) {
  const one = element.initial_option?.value ?? element.initial_user ?? element.initial_channel ?? element.initial_conversation;
  const several = element.initial_options?.map((option) => option.value) ?? element.initial_users;
  return many ? several ?? [] : one ?? "";
}

function told(element, values, many) {
  const kind = element.type.replace("multi_", "").replace("s_select", "");
  if (["user", "conversation", "channel"].includes(kind)) {
    return many ? { [`selected_${kind}s`]: values } : { [`selected_${kind}`]: values[0] ?? null };
  }
  const options = optionsOf(element).filter((option) => values.includes(option.value));
  return many ? { selected_options: options } : { selected_option: options[0] ?? null };
}

function Choices(props) {
  const { id, element, names } = props;
  const asked = useAsked(props);
  const single = element.type === "radio_buttons";
  const initial = (single ? [element.initial_option] : element.initial_options ?? []).map((option) => option?.value);
  const choose = (event) => {
    const boxes = [...event.currentTarget.querySelectorAll("input:checked")].map((box) => box.value);
    const options = element.options.filter((option) => boxes.includes(option.value));
    asked(single ? { selected_option: options[0] } : { selected_options: options });
  };
  return (
    <div id={id} role={single ? "radiogroup" : "group"} className="choices" onChange={choose}
      aria-labelledby={id && `${id}-label`}>
      {element.options.map((option) => (
        <label key={option.value}>
          <input type={single ? "radio" : "checkbox"} name={element.action_id} value={option.value}
            defaultChecked={initial.includes(option.value)} />
          <span><Words text={option.text} names={names} />
            {option.description && <small><Words text={option.description} names={names} /></small>}</span>
        </label>
      ))}
    </div>
  );
}

// What a field holds before anybody touched it, as Slack tells it in a view's state; null where that is nothing.
export function initialState(element) {
  const many = element.type.startsWith("multi_");
  if (element.type in TEXTS) return { value: element.initial_value ?? null };
  if (element.type in MOMENTS) return { [MOMENTS[element.type][1]]: element[MOMENTS[element.type][2]] ?? null };
  if (element.type === "checkboxes") return { selected_options: element.initial_options ?? [] };
  if (element.type === "radio_buttons") return { selected_option: element.initial_option ?? null };
  return told(element, [initially(element, many)].flat().filter(Boolean), many);
}
