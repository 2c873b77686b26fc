// The live page: follows /api/live and writes values, ages and courses into what the server drew.
import "./alarms.js";
import { ageText, drawCourse, numberText } from "./show.js";

const root = document.getElementById("live");
const banner = document.getElementById("lost");
const words = JSON.parse(root.dataset.words);
const language = document.documentElement.lang;
const courses = new Map(); // instrument → {channel, points: [[ms, value], …]}
const KEEP = 120;
const SILENT_MS = 25_000; // two heartbeats and a half
let ahead = 0; // this clock minus the server's, ms
let heard = Date.now();
let source;

const card = (id) => document.getElementById(`i-${id}`);

function showState(reading, late, age) {
  const reason = reading.dataset.reason || "";
  const state = reason ? "bad" : late && age > late ? "late" : "good";
  if (reading.dataset.shown === state + reason) return;
  reading.dataset.shown = state + reason;
  reading.dataset.state = state;
  reading.querySelector(".icon").textContent = { good: "✓", late: "◷", bad: "!" }[state];
  reading.querySelector(".why").textContent =
    state === "bad" ? words[`q_${reason}`] || reason : state === "late" ? words.old : words.good;
}

function showReading(box, channel, value, ms, reason) {
  const reading = box.querySelector(`[data-channel="${channel}"]`);
  if (!reading) return false;
  reading.dataset.ms = ms;
  reading.dataset.reason = value === null ? reason || "decode" : "";
  const { scale, digits } = reading.dataset;
  const text = value === null ? "–" : numberText(value * Number(scale), Number(digits), language);
  const number = reading.querySelector("b");
  number.textContent = text;
  number.classList.toggle("long", text.length > 7);
  return true;
}

function showCourse(id) {
  const course = courses.get(id);
  const svg = card(id)?.querySelector(".course svg");
  if (course && svg) drawCourse(svg, course.points);
}

function onSnapshot(data) {
  ahead = Date.now() - data.now_ms;
  for (const instrument of data.instruments) {
    const box = card(instrument.id);
    let complete = box !== null;
    for (const r of instrument.readings) {
      complete = complete && showReading(box, r.channel, r.value, r.time_ms, r.reason);
    }
    if (!complete) return reloadSoon(); // an instrument or channel the page was not drawn with
    courses.set(instrument.id, instrument.course);
    showCourse(instrument.id);
  }
  tick();
}

// the same rule as the server's: half an hour of nothing, and eight usual steps, is another time
function brokenOff(points, ms) {
  const [last, before] = [points.at(-1), points.at(-2)];
  return last !== undefined && ms - last[0] > Math.max(30 * 60_000, before ? 8 * (last[0] - before[0]) : 0);
}

function onSample(data) {
  const box = card(data.instrument);
  if (!box) return reloadSoon();
  let complete = true;
  for (const [channel, value] of Object.entries(data.values)) {
    complete = showReading(box, channel, value, data.time_ms, "") && complete;
  }
  for (const flag of data.flags) {
    complete = showReading(box, flag.channel, null, data.time_ms, flag.reason) && complete;
  }
  if (!complete) return reloadSoon();
  const course = courses.get(data.instrument);
  if (course && course.channel in data.values) {
    if (brokenOff(course.points, data.time_ms)) course.points.length = 0;
    course.points.push([data.time_ms, data.values[course.channel]]);
    course.points.splice(0, course.points.length - KEEP);
    showCourse(data.instrument);
  }
  tick();
}

function reloadSoon() {
  // at most once in five seconds, whatever arrives
  const last = Number(sessionStorage.getItem("dodac-reload") || 0);
  if (Date.now() - last < 5000) return;
  sessionStorage.setItem("dodac-reload", String(Date.now()));
  location.reload();
}

function tick() {
  const now = Date.now() - ahead;
  for (const box of root.querySelectorAll(".card")) {
    const late = Number(box.dataset.late);
    let newest = 0;
    for (const reading of box.querySelectorAll(".reading")) {
      const ms = Number(reading.dataset.ms) || Date.parse(reading.dataset.time);
      newest = Math.max(newest, ms);
      if (reading.dataset.ms) showState(reading, late, (now - ms) / 1000);
    }
    if (newest) box.querySelector(".age").textContent = ageText((now - newest) / 1000, words);
  }
}

function connect() {
  source?.close();
  source = new EventSource("/api/live");
  heard = Date.now();
  source.onopen = () => {
    heard = Date.now();
    banner.hidden = true;
    document.getElementById("nojournal")?.remove();
  };
  source.onerror = () => {
    banner.hidden = false;
    // the browser tries again by itself unless the server refused
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  };
  source.addEventListener("snapshot", (event) => {
    heard = Date.now();
    onSnapshot(JSON.parse(event.data));
  });
  source.addEventListener("sample", (event) => {
    heard = Date.now();
    onSample(JSON.parse(event.data));
  });
  source.addEventListener("heartbeat", () => {
    heard = Date.now();
  });
}

connect();
setInterval(() => {
  tick();
  // a dead link leaves the stream open and silent
  if (Date.now() - heard > SILENT_MS) {
    banner.hidden = false;
    connect();
  }
}, 1000);
