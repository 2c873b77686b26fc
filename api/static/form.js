// The fields of a form: what stands in them as an entry, and an entry put back into them.
import { newId } from "./queue.js";

const DAY_MS = 86_400_000;
const loaded = Date.now();
const otherDay = (text, days) => new Date(Date.parse(`${text}T00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

// the server's time when it made the page, carried on by this phone's clock
export const nowMs = (form) => Number(form.dataset.now) + Date.now() - loaded;

// a moment as the site's clock shows it, whatever zone this phone is set to; a local time as it is
function localMinute(text, form) {
  if (!text.endsWith("Z")) return text;
  return new Date(Date.parse(text) + Number(form.dataset.offset) * 60_000).toISOString().slice(0, 16);
}

// touched: the time was typed; else the moment of saving counts, to the second
export function bodyOf(form, touched) {
  const data = new FormData(form);
  const text = (name) => String(data.get(name) ?? "").trim();
  const values = {};
  for (const { dataset } of form.querySelectorAll("[data-channel]")) {
    const typed = text(`value.${dataset.channel}`);
    if (typed) values[dataset.channel] = { text: typed, unit: text(`unit.${dataset.channel}`) };
  }
  const corrects = text("corrects");
  const to = text("to");
  const at = touched || corrects ? text("at") : new Date(nowMs(form)).toISOString();
  return {
    id: newId(),
    values,
    ...(data.has("at") ? { at } : { from: text("from"), to: to.length === 10 ? otherDay(to, 1) : to }),
    operator: text("operator"),
    note: text("note"),
    corrects,
    photo: text("photo") || null,
    typed: new Date().toISOString(),
    confirmed: [],
  };
}

export function fillIn(form, body) {
  for (const [channel, value] of Object.entries(body.values)) {
    const input = form.elements[`value.${channel}`];
    if (input) input.value = value.text;
    const unit = form.elements[`unit.${channel}`];
    if (unit && value.unit) unit.value = value.unit;
  }
  const { at, from, to } = form.elements;
  if (at?.type === "datetime-local") at.value = localMinute(body.at, form);
  if (from && body.from) from.value = body.from;
  if (to && body.to) to.value = to.type === "date" ? otherDay(body.to, -1) : body.to;
  form.elements.operator.value = body.operator;
  form.elements.note.value = body.note;
  if (form.elements.photo) form.elements.photo.value = body.photo ?? "";
}

// who reads is asked once per phone; private windows may keep nothing
export function operator(form, remember) {
  try {
    if (remember) localStorage.setItem("dodac-operator", form.elements.operator.value);
    else form.elements.operator.value ||= localStorage.getItem("dodac-operator") ?? "";
  } catch {
    // then it is asked again
  }
}

// empties what was read, keeps who reads
export function emptyOut(form) {
  const who = form.elements.operator.value;
  form.reset();
  for (const input of form.querySelectorAll(".row input")) input.value = "";
  form.elements.note.value = "";
  form.elements.operator.value = who;
  refreshTime(form);
}

export function refreshTime(form) {
  const { at, to } = form.elements;
  const field = at ?? (form.dataset.period === "shift" ? to : null);
  if (field?.type !== "datetime-local") return;
  const passed = Math.floor((nowMs(form) - Number(form.dataset.now)) / 60_000);
  field.value = new Date(Date.parse(`${field.defaultValue}Z`) + passed * 60_000).toISOString().slice(0, 16);
}
