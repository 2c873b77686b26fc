// The list of what waits in this phone, under every form and on the page of all forms.
import { button } from "./ask.js";
import { all, forget } from "./queue.js";

const language = document.documentElement.lang;
const ICONS = { waiting: "◷", ask: "?", refused: "!" };

// as the site's clock or calendar says it; a moment with a zone as this phone does
function whenText(text) {
  const moment = text.endsWith("Z") ? new Date(text) : null;
  const local = moment ? new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString() : text;
  const [day, time] = local.slice(0, 16).split("T");
  const shownDay = language === "vi" ? day.split("-").reverse().join("/") : day;
  return time ? `${shownDay} ${time}` : shownDay;
}

// what became of an entry that was sent, in words
export function resultText({ state }, words) {
  const { saved_stored: stored, saved_waiting: waiting, saved_phone: phone, state_ask: ask, state_refused: refused } = words;
  return { stored: `✓ ${stored}`, waiting: `✓ ${waiting}`, phone: `◷ ${phone}`, ask: `? ${ask}`, refused: `! ${refused}` }[state];
}

// draws it; `asking` is left out: its question is open above
export async function drawQueue(words, asking) {
  const entries = (await all().catch(() => [])).filter((entry) => entry.id !== asking);
  document.getElementById("phone").hidden = !entries.length;
  document.getElementById("queue").replaceChildren(...entries.map((entry) => row(entry, words, asking)));
}

// takes the list of earlier entries and the last values over from a fresh copy of the page
export async function drawPast(form) {
  const answer = await fetch(`/enter/${form.dataset.instrument}`).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["past", ...[...form.querySelectorAll("[data-channel]")].map((field) => `d-${field.dataset.channel}`)]) {
    if (fresh.getElementById(id)) document.getElementById(id)?.replaceWith(fresh.getElementById(id));
  }
}

function row(entry, words, asking) {
  const item = document.createElement("li");
  item.dataset.state = entry.state;
  const add = (tag, name, text) => {
    const made = item.appendChild(document.createElement(tag));
    made.className = name;
    made.textContent = text;
    return made;
  };
  const states = { waiting: words.state_phone, ask: words.state_ask, refused: words.state_refused };
  add("span", "state", `${ICONS[entry.state]} ${states[entry.state]}`);
  add("span", "when", ` ${whenText(entry.body.at ?? entry.body.from)}`);
  const texts = Object.values(entry.body.values).map((value) => `${value.text} ${value.unit}`.trim());
  add("p", "", `${entry.title}: ${texts.join(" · ")}`);
  for (const finding of entry.findings) add("p", "", finding[language]);
  if (entry.state === "waiting") return item;
  const links = add("p", "links", "");
  links.append(
    button(words.open_again, true, () => void (location.href = `/enter/${entry.instrument}?open=${entry.id}`)),
    button(words.throw_away, true, () => forget(entry.id).then(() => drawQueue(words, asking))),
  );
  return item;
}
