// The forms: warns while a number is typed, keeps what is saved in the phone, sends it, asks what the server asks.
import { closeBox, showBox } from "./ask.js";
import { dropDraft, isFresh, keepDraft, takeDraft } from "./draft.js";
import { bodyOf, emptyOut, fillIn, operator, refreshTime } from "./form.js";
import { judge } from "./judge.js";
import { showPhoto, shrink } from "./photo.js";
import { forget, keep, one, send, sendAll } from "./queue.js";
import { drawPast, drawQueue, resultText } from "./waiting.js";

const root = document.getElementById("enter");
const form = root.tagName === "FORM" ? root : null;
const words = JSON.parse(root.dataset.words);
const byId = (id) => document.getElementById(id);
const own = (text) => [{ refused: true, channel: "", vi: text, en: text }];
let photo = null;
let touchedTime = false;
const fresh = form !== null && isFresh(form);
let asking = ""; // the entry whose question is open: it stays in the phone until it is answered

async function save(event) {
  event.preventDefault();
  const wrong = [...form.querySelectorAll("[data-channel]")].filter((field) => !judge(field, words));
  if (wrong.length) return wrong[0].querySelector("input").focus();
  if (asking) await forget(asking).catch(() => null);
  if (!touchedTime) refreshTime(form);
  const body = bodyOf(form, touchedTime);
  const entry = { id: body.id, instrument: form.dataset.instrument, title: form.dataset.title, body, photo: body.photo ? null : photo, made: Date.now() };
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
  dropDraft(form); // the entry itself is kept now
  const result = await send(entry);
  byId("save").disabled = false;
  if (result.findings) return ask(entry, result.findings);
  asking = "";
  closeBox();
  return done(resultText(result, words), result.status);
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
      if (fresh) keepDraft(form, touchedTime);
      drawQueue(words, asking);
    },
  });
}

function done(text, status) {
  byId("saved").textContent = status === 401 ? `${text}. ${words.sign_in_again}` : text;
  byId("saved").classList.toggle("late", status !== undefined);
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
  showPhoto(blob, words);
}

async function pictured(event) {
  const [file] = event.target.files;
  if (!file) return;
  setPhoto(await shrink(file, byId("preview")));
  byId("photo-fault").hidden = photo !== null;
  form.elements.photo.value = "";
}

function refresh() {
  drawQueue(words, asking);
  if (form) drawPast(form);
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
      byId("saved").textContent = resultText(result, words);
      byId("saved").classList.toggle("late", result.state === "ask" || result.state === "refused");
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
    if (fresh) keepDraft(form, touchedTime);
  });
  byId("picture")?.addEventListener("change", pictured);
  touchedTime = "again" in form.dataset;
  operator(form, false);
  const open = new URLSearchParams(location.search).get("open");
  if (open) reopen(open);
  else if (fresh && takeDraft(form, words, byId("saved"))) {
    touchedTime = true;
    form.querySelectorAll("[data-channel]").forEach((field) => judge(field, words));
  }
}
window.addEventListener("online", deliver);
window.addEventListener("offline", () => void (byId("offline").hidden = false));
setInterval(deliver, 15_000, deliver());
