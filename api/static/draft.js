// What is typed and not saved yet is kept as it is typed: a call, an empty battery or a closed page loses nothing.
import { bodyOf, fillIn, nowMs } from "./form.js";

const draftKey = (form) => `dodac-draft-${form.dataset.instrument}`;
const DRAFT_MS = 12 * 3_600_000;

export function keepDraft(form, touched) {
  try {
    const body = { ...bodyOf(form, touched), photo: null };
    if (Object.keys(body.values).length || body.note) localStorage.setItem(draftKey(form), JSON.stringify({ made: nowMs(form), body }));
    else dropDraft(form);
  } catch {
    // a private window may keep nothing
  }
}

export function dropDraft(form) {
  try {
    localStorage.removeItem(draftKey(form));
  } catch {
    // there was none
  }
}

// Puts an unsaved entry back, with the time at which it was typed, and says so; false when there is none of today.
export function takeDraft(form, words, banner) {
  try {
    const draft = JSON.parse(localStorage.getItem(draftKey(form)));
    if (!draft || Math.abs(nowMs(form) - draft.made) > DRAFT_MS) return false;
    fillIn(form, draft.body);
  } catch {
    return false;
  }
  banner.textContent = words.draft;
  banner.classList.add("late");
  banner.hidden = false;
  return true;
}

// A form opened for a new entry: not a correction, nothing put into it by the server.
export function isFresh(form) {
  const filled = [...form.querySelectorAll(".row input")].some((input) => input.value);
  return !form.elements.corrects && !("again" in form.dataset) && !filled;
}
