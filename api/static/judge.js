// What is judged in the phone while a number is typed: only what has one meaning; the server reads the rest.
import { numberText } from "./show.js";

const language = document.documentElement.lang;

export const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (_, key) => facts[key]);

// null: nothing typed, or more than one meaning; NaN: no number.
export function numberOf(text) {
  const clean = text.trim().replace("−", "-");
  if (!clean) return null;
  if (!/^[+-]?[\d.,' ]*\d[\d.,' ]*\D{0,16}$/.test(clean)) return NaN;
  if (!/^[+-]?\d+([.,]\d+)?$/.test(clean) || /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/.test(clean)) return null;
  return Number(clean.replace(",", "."));
}

const shown = (value) => numberText(value, Number.isInteger(Number(value)) ? 0 : 2, language);

// Marks a field and says why; false for what the server would refuse.
export function judge(field, words) {
  const input = field.querySelector(".row input");
  const unit = field.querySelector("select");
  const warn = field.querySelector(".warn");
  const value = numberOf(input.value);
  const { low, high, usualLow, usualHigh } = field.dataset;
  field.querySelectorAll(".finding").forEach((old) => old.remove());
  let state = "";
  let text = "";
  if (Number.isNaN(value)) [state, text] = ["wrong", words.bad_number];
  else if (value !== null && (!unit || unit.selectedIndex === 0)) {
    if (value < Number(low) || value > Number(high)) {
      [state, text] = ["wrong", fill(words.js_range, { low: shown(low), high: shown(high) })];
    } else if (usualLow !== undefined && (value < Number(usualLow) || value > Number(usualHigh))) {
      [state, text] = ["doubt", fill(words.js_unusual, { low: shown(usualLow), high: shown(usualHigh) })];
    }
  }
  field.classList.toggle("wrong", state === "wrong");
  field.classList.toggle("doubt", state === "doubt");
  warn.textContent = text;
  warn.hidden = !text;
  return state !== "wrong";
}
