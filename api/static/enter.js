// The forms: warns while a number is typed, keeps what is saved in the phone, sends it, asks what the server asks.
import { closeBox, showBox } from "./ask.js";
import { bodyOf, emptyOut, fillIn, operator, refreshTime } from "./form.js";
import { judge } from "./judge.js";
import { shrink } from "./photo.js";
import { forget, keep, one, send, sendAll } from "./queue.js";
import { drawQueue } from "./waiting.js";

const root = document.getElementById("enter");
const form = root.tagName === "FORM" ? root : null;
const words = JSON.parse(root.dataset.words);
const byId = (id) => document.getElementById(id);
const own = (text) => [{ refused: true, channel: "", vi: text, en: text }];
let photo = null;
let touchedTime = false;
let asking = ""; // the entry whose question is open: it stays in the phone until it is answered

async function save(event) {
  event.preventDefault();
  const wrong = [...form.querySelectorAll("[data-channel]")].filter((field) => !judge(field, words));
  if (wrong.length) return wrong[0].querySelector("input").focus();
  if (asking) await forget(asking).catch(() => null);
  if (!touchedTime) refreshTime(form);
  const body = bodyOf(form, touchedTime);
  const { instrument, title } = form.dataset;
  const entry = { id: body.id, instrument, title, body, photo: body.photo ? null : photo, made: Date.now() };
  return Object.keys(body.values).length ? settle(entry) : ask(entry, own(words.js_empty));
}

async function settle(entry) {
  Object.assign(entry, { state: "waiting", findings: [] });
  byId("save").disabled = true;
  try {
    await keep(entry);
  } catch {
    byId("save").disabled = false;
    return ask(entry, own(words.phone_full));
  }
  const result = await send(entry);
  byId("save").disabled = false;
  if (result.findings) return ask(entry, result.findings);
  asking = "";
  closeBox();
  const said = { stored: words.saved_stored, waiting: words.saved_waiting, phone: words.saved_phone }[result.state];
  return done(`${result.state === "phone" ? "◷" : "✓"} ${said}`, result.status);
}

function ask(entry, findings) {
  asking = entry.id;
  showBox(findings, words, {
    chosen(channel, text) {
      entry.body.values[channel].text = text;
      form.elements[`value.${channel}`].value = text;
      settle(entry);
    },
    confirmed(keys) {
      entry.body.confirmed.push(...keys);
      settle(entry);
    },
    async changed(channel) {
      asking = "";
      form.elements[`value.${channel}`]?.focus();
      await forget(entry.id).catch(() => null);
      drawQueue(words, asking);
    },
  });
}

function done(text, status) {
  byId("saved").textContent = status === 401 ? `${text}. ${words.sign_in_again}` : text;
  byId("saved").hidden = false;
  operator(form, true);
  if (form.elements.corrects && status === undefined) return void (location.href = `/enter/${form.dataset.instrument}`);
  emptyOut(form);
  setPhoto(null);
  touchedTime = false;
  form.querySelectorAll("[data-channel]").forEach((field) => judge(field, words));
  byId("saved").scrollIntoView({ block: "center" });
  refresh();
  setTimeout(refresh, 2500); // by then a collector has taken it in
}

function setPhoto(blob) {
  photo = blob;
  if (!byId("preview")) return;
  byId("preview").hidden = blob === null;
  byId("photo-words").textContent = blob ? words.photo_there : words.take_photo;
}

async function pictured(event) {
  const [file] = event.target.files;
  if (!file) return;
  const blob = await shrink(file, byId("preview"));
  byId("photo-fault").hidden = blob !== null;
  setPhoto(blob);
  form.elements.photo.value = "";
}

async function refresh() {
  drawQueue(words, asking);
  if (!form) return;
  const answer = await fetch(`/enter/${form.dataset.instrument}`).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["past", ...[...form.querySelectorAll("[data-channel]")].map((field) => `d-${field.dataset.channel}`)]) {
    if (fresh.getElementById(id)) byId(id)?.replaceWith(fresh.getElementById(id));
  }
}

// an entry that came back from its way: into the form, where its question is asked
async function reopen(id) {
  const entry = await one(id).catch(() => null);
  if (entry?.instrument !== form.dataset.instrument) return;
  fillIn(form, entry.body);
  photo = entry.photo;
  if (photo || entry.body.photo) byId("photo-words").textContent = words.photo_there;
  touchedTime = true;
  history.replaceState(null, "", `/enter/${entry.instrument}`);
  ask(entry, entry.findings);
}

async function deliver() {
  await sendAll((entry, result) => {
    byId("offline").hidden = result.state !== "phone" || result.status !== 0;
    if (result.state === "phone") return;
    if (form?.dataset.instrument === entry.instrument) {
      const { saved_stored: stored, saved_waiting: waiting, state_ask: asked, state_refused: refused } = words;
      byId("saved").textContent = { stored: `✓ ${stored}`, waiting: `✓ ${waiting}`, ask: `? ${asked}`, refused: `! ${refused}` }[result.state];
    }
    refresh();
  });
  drawQueue(words, asking);
}

if (form) {
  form.addEventListener("submit", save);
  form.addEventListener("input", (event) => {
    const field = event.target.closest("[data-channel]");
    if (field) judge(field, words);
    if (event.target.closest(".time")) touchedTime = true;
  });
  byId("picture")?.addEventListener("change", pictured);
  touchedTime = "again" in form.dataset;
  operator(form, false);
  const open = new URLSearchParams(location.search).get("open");
  if (open) reopen(open);
}
window.addEventListener("online", deliver);
window.addEventListener("offline", () => void (byId("offline").hidden = false));
setInterval(deliver, 15_000, deliver());
